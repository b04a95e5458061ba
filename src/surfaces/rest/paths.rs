//! Which path is which tool, as a table: adding a path is adding a row. Every tool is at
//! `/api/tools/…` anyway; these are the paths that the product's requirements name.

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Changes what is named.
    Put,
    /// The same.
    Patch,
}

impl Method {
    /// Its name in an OpenAPI document.
    pub const fn word(self) -> &'static str {
        match self {
            Method::Get => "get",
            Method::Post => "post",
            Method::Put => "put",
            Method::Patch => "patch",
        }
    }
}

/// A path and the tool that answers it.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path; `{id}` is an opportunity.
    pub path: &'static str,
    /// The tool.
    pub tool: &'static str,
    /// The argument that `{id}` is.
    pub id: Option<&'static str>,
    /// What is asked for when the request does not say.
    pub with: &'static [(&'static str, &'static [&'static str])],
    /// The same of rows as CSV, whose columns are to be all of them.
    pub in_csv: Option<InCsv>,
    /// A tool that goes first, in the same change.
    pub first: Option<First>,
    /// The rows of the answer that can be had as CSV: of these parts the first that it has.
    pub rows: &'static [&'static str],
    /// What it does, in a few words.
    pub summary: &'static str,
}

/// What CSV is asked with when the request does not say.
#[derive(Debug, Clone, Copy)]
pub struct InCsv {
    /// An argument, and what it holds.
    pub with: (&'static str, &'static str),
    /// The argument beside which it has no meaning.
    pub unless: &'static str,
}

/// A tool that goes first: it takes the arguments it knows, and the other tool the rest.
#[derive(Debug, Clone, Copy)]
pub struct First {
    /// The tool.
    pub tool: &'static str,
    /// When the body names this argument.
    pub when: &'static str,
    /// The arguments that both take.
    pub shared: &'static [&'static str],
}

const OPPORTUNITIES: &str = "/api/expansion-opportunities";
const OPPORTUNITY: &str = "/api/expansion-opportunities/{id}";

const READ: Route = Route {
    method: Method::Get,
    path: "",
    tool: "",
    id: None,
    with: &[],
    in_csv: None,
    first: None,
    rows: &[],
    summary: "",
};

const EDIT: Route = Route {
    method: Method::Put,
    path: OPPORTUNITY,
    tool: "update_opportunity",
    id: Some("opportunity"),
    first: Some(First {
        tool: "update_stage",
        when: "stage",
        shared: &["opportunity", "dry_run", "reason", "confirm"],
    }),
    summary: "Change what is named and nothing else; with a stage, move it there in the same change",
    ..READ
};

/// Every path.
pub const PATHS: &[Route] = &[
    Route {
        path: "/api/reports/expansion-pipeline",
        tool: "get_pipeline",
        with: &[("include", &["opportunities", "forecast", "metrics"])],
        rows: &["opportunities"],
        summary: "The pipeline report: summary, stages, opportunities, forecast, metrics",
        ..READ
    },
    Route {
        path: "/api/reports/expansion-pipeline/analytics",
        tool: "get_analytics",
        rows: &["segments"],
        summary: "Pipeline analytics by a dimension",
        ..READ
    },
    Route {
        path: OPPORTUNITIES,
        tool: "list_opportunities",
        in_csv: Some(InCsv {
            with: ("include", "details"),
            unless: "by",
        }),
        rows: &["by_customer", "opportunities"],
        summary: "List opportunities",
        ..READ
    },
    Route {
        method: Method::Post,
        path: OPPORTUNITIES,
        tool: "create_opportunity",
        summary: "Create an opportunity",
        ..READ
    },
    Route {
        path: OPPORTUNITY,
        tool: "get_opportunity",
        id: Some("opportunity"),
        summary: "One opportunity",
        ..READ
    },
    Route {
        path: "/api/expansion-opportunities/{id}/history",
        tool: "get_opportunity",
        id: Some("opportunity"),
        with: &[("include", &["history"])],
        rows: &["history"],
        summary: "The history of an opportunity: stages and every change",
        ..READ
    },
    EDIT,
    Route {
        method: Method::Patch,
        ..EDIT
    },
];

/// The part of an answer that is the opportunity it is about: (tool, part). Its version is the ETag.
const ABOUT: [(&str, &str); 5] = [
    ("get_opportunity", "opportunity"),
    ("create_opportunity", "opportunity"),
    ("update_opportunity", "opportunity"),
    ("update_stage", "after"),
    ("undo_change", "opportunity"),
];

/// The part of this tool's answer that is the opportunity it is about.
pub fn about(tool: &str) -> Option<&'static str> {
    let (_, part) = ABOUT.iter().find(|(name, _)| *name == tool)?;
    Some(part)
}

/// Other names of arguments, as the requirements have them.
pub const ALIASES: [(&str, &str); 4] = [
    ("customer_id", "customer"),
    ("csm_id", "csm"),
    ("sales_rep_id", "sales_rep"),
    ("champion_id", "champion"),
];
