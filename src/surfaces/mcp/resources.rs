//! Resources: what can be read by URI. Figures are the answers of tools, asked of the engine; which
//! tool answers which URI is the table [`ASKED`]. Documents are texts built into the program.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rmcp::ErrorData;
use rmcp::model::{
    Annotations, CacheScope, ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult,
    Resource, ResourceContents, ResourceTemplate,
};
use serde_json::{Map, Value, json};

use super::documents::{self, Document};
use super::{icons, integrity, meta_of, skills};
use crate::engine::{About, Caller, Engine, Error};
use crate::refusal::Kind;
use crate::registry;

/// What is built into the program stays as it is while it runs; lists too.
pub const FIXED: u64 = 3_600_000;
/// Figures may change at any time; whoever keeps them subscribes.
const CHANGING: u64 = 0;

const JSON: &str = "application/json";
const MARKDOWN: &str = "text/markdown";
const DEFINITION: &str = "pipeline://definition/{name}";
const REQUIREMENTS: &str = "pipeline://requirements";

/// What stands as it is in a URI.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The longest value of a variable, in bytes, as it stands in a URI.
const LONGEST: usize = 1_000;

/// A resource that a tool answers.
struct Asked {
    /// Its URI, with at most one variable.
    uri: &'static str,
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// The tool that answers.
    tool: &'static str,
    /// The tool's argument that the variable is.
    argument: Option<&'static str>,
    /// Which changes touch it, given its variable.
    about: fn(String) -> About,
    /// How much it matters to a model, of 1.
    priority: f32,
}

const ASKED: [Asked; 6] = [
    Asked {
        uri: "pipeline://pipeline",
        name: "pipeline",
        title: "Expansion pipeline",
        description: "All that is open now, by stage and type: what get_pipeline answers.",
        tool: "get_pipeline",
        argument: None,
        about: |_| About::Pipeline,
        priority: 0.9,
    },
    Asked {
        uri: "pipeline://forecast",
        name: "forecast",
        title: "Forecast of this quarter",
        description: "What the current fiscal quarter will close at: what get_forecast answers.",
        tool: "get_forecast",
        argument: None,
        about: |_| About::Pipeline,
        priority: 0.9,
    },
    Asked {
        uri: "pipeline://pipeline/{period}",
        name: "pipeline_of_period",
        title: "Pipeline of a period",
        description: "What is open and due in a period, in words such as Q1 or next%20month.",
        tool: "get_pipeline",
        argument: Some("period"),
        about: |_| About::Pipeline,
        priority: 0.7,
    },
    Asked {
        uri: "pipeline://forecast/{period}",
        name: "forecast_of_period",
        title: "Forecast of a period",
        description: "What a period will close at, against its target; in words such as Q1 or next%20month.",
        tool: "get_forecast",
        argument: Some("period"),
        about: |_| About::Pipeline,
        priority: 0.8,
    },
    Asked {
        uri: "pipeline://opportunity/{opportunity}",
        name: "opportunity",
        title: "Opportunity",
        description: "One opportunity in full, by id or name: what get_opportunity answers.",
        tool: "get_opportunity",
        argument: Some("opportunity"),
        about: About::Opportunity,
        priority: 0.8,
    },
    Asked {
        uri: "pipeline://customer/{customer}/opportunities",
        name: "opportunities_of_customer",
        title: "Opportunities of a customer",
        description: "The open opportunities of one customer, by id or name, with their totals: what list_opportunities answers.",
        tool: "list_opportunities",
        argument: Some("customer"),
        about: About::Customer,
        priority: 0.7,
    },
];

/// What a URI stands for.
enum Served {
    /// What a tool answers when it is asked with these arguments.
    Answer(&'static Asked, String),
    /// A text, and its kind.
    Text(&'static str, &'static str),
}

/// The resources with a URI of their own, in a fixed order.
pub fn list() -> ListResourcesResult {
    let asked = ASKED.iter().filter(|it| it.argument.is_none()).map(|it| {
        Resource::new(it.uri, it.name)
            .with_title(it.title)
            .with_description(it.description)
            .with_mime_type(JSON)
            .with_icons(icons())
            .with_annotations(Annotations::default().with_priority(it.priority))
    });
    let text = |uri: String, document: &Document, description: &str| {
        Resource::new(uri, document.name.as_str())
            .with_title(document.title.as_str())
            .with_description(description)
            .with_mime_type(MARKDOWN)
            .with_size(document.text.len() as u64)
            .with_icons(icons())
    };
    let definitions = documents::definitions().iter().map(|section| {
        let uri = filled(DEFINITION, &section.name);
        text(
            uri,
            section,
            "A section of the definitions that figures rest on.",
        )
    });
    let requirements = documents::requirements().map(|table| {
        let description = "The requirements by number, and what answers each.";
        text(REQUIREMENTS.to_owned(), table, description)
    });
    let resources = asked.chain(definitions).chain(requirements);
    ListResourcesResult::with_all_items(resources.chain(skills::resources()).collect())
        .with_ttl_ms(FIXED)
        .with_cache_scope(CacheScope::Private)
}

/// The resources with a variable in their URI, in a fixed order.
pub fn templates() -> ListResourceTemplatesResult {
    let asked = ASKED.iter().filter(|it| it.argument.is_some()).map(|it| {
        ResourceTemplate::new(it.uri, it.name)
            .with_title(it.title)
            .with_description(it.description)
            .with_mime_type(JSON)
            .with_icons(icons())
            .with_annotations(Annotations::default().with_priority(it.priority))
    });
    let definition = ResourceTemplate::new(DEFINITION, "definition")
        .with_title("Definition")
        .with_description("A section of the definitions that figures rest on.")
        .with_mime_type(MARKDOWN)
        .with_icons(icons());
    ListResourceTemplatesResult::with_all_items(asked.chain([definition]).collect())
        .with_ttl_ms(FIXED)
        .with_cache_scope(CacheScope::Private)
}

/// What stands at a URI. It asks the engine, so it may wait.
pub fn read(engine: &Engine, uri: &str, caller: &Caller) -> Result<ReadResourceResult, ErrorData> {
    let (text, kind, fresh, label) = match served(uri).ok_or_else(|| unknown(uri))? {
        Served::Text(text, kind) => (text.to_owned(), kind, FIXED, integrity::of_document()),
        Served::Answer(asked, value) => {
            let tool = registry::find(asked.tool)
                .map_err(|refusal| ErrorData::internal_error(refusal.to_string(), None))?;
            let argument = asked.argument.map(|name| (name.to_owned(), value.into()));
            let answer = engine
                .call(tool, Map::from_iter(argument), caller)
                .map_err(|error| refused(uri, error))?;
            let label = integrity::of_answer(answer.is_untrusted);
            (answer.structured.to_string(), JSON, CHANGING, label)
        }
    };
    let contents = ResourceContents::text(text, uri).with_mime_type(kind);
    let mut read = ReadResourceResult::new(vec![contents])
        .with_ttl_ms(fresh)
        .with_cache_scope(CacheScope::Private);
    read.meta = Some(label);
    Ok(read)
}

/// Which changes touch a resource; `None` when nothing ever changes it, or nothing is there.
pub fn about(uri: &str) -> Option<About> {
    match served(uri)? {
        Served::Answer(asked, value) => Some((asked.about)(value)),
        Served::Text(..) => None,
    }
}

/// The names of the definitions: the values of that template's variable.
pub fn definition_names(template: &str) -> Option<Vec<String>> {
    let names = documents::definitions().iter().map(|it| it.name.clone());
    (template == DEFINITION).then(|| names.collect())
}

/// The tool's argument that a variable of a template stands for.
pub fn argument_of(template: &str, variable: &str) -> Option<&'static str> {
    let asked = ASKED.iter().find(|asked| asked.uri == template)?;
    asked.argument.filter(|argument| *argument == variable)
}

/// Whether there is such a template.
pub fn is_template(uri: &str) -> bool {
    uri == DEFINITION
        || ASKED
            .iter()
            .any(|it| it.uri == uri && it.argument.is_some())
}

/// The refusal of a URI at which nothing stands.
pub fn unknown(uri: &str) -> ErrorData {
    let shown: String = uri.chars().filter(|c| !c.is_control()).take(200).collect();
    let message =
        format!("Nothing stands at {shown}. See resources/list and resources/templates/list.");
    ErrorData::resource_not_found(message, Some(json!({ "uri": shown })))
}

fn served(uri: &str) -> Option<Served> {
    if let Some(text) = skills::text(uri) {
        return Some(Served::Text(text, MARKDOWN));
    }
    if uri == REQUIREMENTS {
        return documents::requirements().map(|table| Served::Text(&table.text, MARKDOWN));
    }
    if let Some(name) = variable(DEFINITION, uri) {
        let mut sections = documents::definitions().iter();
        let section = sections.find(|section| section.name == name)?;
        return Some(Served::Text(&section.text, MARKDOWN));
    }
    let mut asked = ASKED.iter();
    asked.find_map(|it| Some(Served::Answer(it, variable(it.uri, uri)?)))
}

/// The value of the variable of a template that a URI fits; empty when the template has none.
fn variable(template: &str, uri: &str) -> Option<String> {
    let Some((before, rest)) = template.split_once('{') else {
        return (template == uri).then(String::new);
    };
    let (_, after) = rest.split_once('}')?;
    let value = uri.strip_prefix(before)?.strip_suffix(after)?;
    let fits = !value.is_empty() && value.len() <= LONGEST && !value.contains('/');
    let decoded = fits.then(|| percent_decode_str(value).decode_utf8());
    Some(decoded?.ok()?.into_owned())
}

/// A template with its variable filled in.
fn filled(template: &str, value: &str) -> String {
    let value = utf8_percent_encode(value, KEPT).to_string();
    match (template.split_once('{'), template.split_once('}')) {
        (Some((before, _)), Some((_, after))) => format!("{before}{value}{after}"),
        _ => template.to_owned(),
    }
}

/// A refusal where a resource was asked for: what the words name is not there, may not be read, or
/// cannot be read now.
fn refused(uri: &str, error: Error) -> ErrorData {
    let refusal = match error {
        Error::Refused(refusal) => refusal,
        Error::Ours(error) => return ErrorData::internal_error(error.to_string(), None),
    };
    let words = refusal.to_string();
    let mut fields: Map<String, Value> = meta_of(&refusal);
    fields.insert("uri".to_owned(), uri.into());
    let data = Some(Value::Object(fields));
    match refusal.code.kind() {
        Kind::NotFound | Kind::Invalid | Kind::Ambiguous => {
            ErrorData::resource_not_found(words, data)
        }
        Kind::Forbidden | Kind::Conflict => ErrorData::invalid_request(words, data),
        Kind::Unavailable => ErrorData::internal_error(words, data),
    }
}
