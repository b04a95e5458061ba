//! The REST API: every tool at `/api/tools/…`, and the paths of the product's first requirements over
//! the same tools. Belongs here: reading a request into a tool's arguments and asking the engine. Which
//! path is which tool stands in `paths`, how a request is read in `reading`, how an answer is written in
//! `answers`, and what the document about all of it says in `openapi`.

mod answers;
mod examples;
mod openapi;
mod paths;
mod reading;
mod rows;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, get, on, post};
use serde_json::{Map, Value, json};
use tracing::Span;
use utoipa_swagger_ui::{Config, SwaggerUi};

use self::answers::{Asked, answered, wants_rows};
use self::paths::{Method, PATHS, Route};
use self::reading::{Received, Versions};
use super::problem::{Fault, Problem};
use crate::engine::{Answer, Caller, Engine, Error, Role};
use crate::refusal::{Code, Refusal};
use crate::registry::{self, Tool};
use crate::surfaces::{trace, waiting};

/// Where every tool is.
const TOOL: &str = "/api/tools/{tool}";

/// Tools to be called in turn, with their arguments.
type Calls = Vec<(&'static Tool, Map<String, Value>)>;

/// What every request needs.
#[derive(Clone)]
pub struct Api {
    engine: Arc<Engine>,
    /// Who calls without a token.
    actor: Option<String>,
    /// In which role.
    role: Role,
}

/// The routes of the API. Callers without a token, where they need none, act under this name, or each under
/// its program's, and in this role.
pub fn router(engine: Arc<Engine>, actor: Option<String>, role: Role) -> Router {
    let api = Api {
        engine,
        actor,
        role,
    };
    let mut router = Router::new().route(TOOL, post(call_tool));
    for route in PATHS {
        let handler = move |State(api): State<Api>, id: Option<Path<String>>, request: Request| async move {
            let id = id.map(|Path(id)| id);
            follow(&api, route, id, request)
                .await
                .unwrap_or_else(Problem::into_response)
        };
        router = router.route(route.path, on(filter(route.method), handler));
    }
    router
        .fallback(nothing_there)
        .method_not_allowed_fallback(no_such_method)
        .with_state(api)
}

/// What the API is: the document, and a page to try it. They hold nothing of anybody's, and a browser that
/// opens a page brings no token, so they need none.
pub fn description(needs_token: bool) -> Router {
    // The page loads its parts from here and nothing from anywhere else.
    let page = SwaggerUi::new("/api/docs").config(Config::from("/api/openapi.json"));
    let document = get(move || openapi::document(needs_token));
    Router::new()
        .merge(page)
        .route("/api/openapi.json", document)
}

const fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
    }
}

/// There is no such path.
pub async fn nothing_there(request: Request) -> Problem {
    let message = format!("There is nothing at {}.", request.uri().path());
    Problem::new(Fault::NoSuchPath, message).hint("All paths stand in /api/openapi.json.")
}

async fn no_such_method(request: Request) -> Problem {
    let (path, method) = (request.uri().path(), request.method());
    let message = format!("{path} does not answer {method}.");
    Problem::new(Fault::NoSuchMethod, message)
        .hint("The Allow header names the methods that it answers.")
}

/// Every tool by its name, with its arguments as the body.
async fn call_tool(
    State(api): State<Api>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let tool = registry::find(&name)?;
    let received = Received::of(request).await?;
    received.no_query()?;
    let arguments = received.with_key(tool, received.body()?)?;
    let answer = ask(&api, vec![(tool, arguments)], &received).await?;
    answered(&answer, &Asked::by_name(tool), &received)
}

/// A path of the table.
async fn follow(
    api: &Api,
    route: &'static Route,
    id: Option<String>,
    request: Request,
) -> Result<Response, Problem> {
    let tool = registry::find(route.tool)?;
    let received = Received::of(request).await?;
    // Who may not do it need not learn what else it would take.
    tool.check_role(api.caller(&received).role())?;
    let mut arguments = match route.method {
        Method::Get => received.query(tool)?,
        Method::Post => {
            received.no_query()?;
            received.with_key(tool, received.body()?)?
        }
        Method::Put | Method::Patch => {
            received.no_query()?;
            received.no_key()?;
            received.body()?
        }
    };
    if let Some((name, id)) = route.id.zip(id) {
        given_once(&mut arguments, name, Value::String(id))?;
    }
    for (name, values) in route.with {
        arguments
            .entry(*name)
            .or_insert_with(|| values.iter().copied().map(Value::from).collect());
    }
    if let Some(in_csv) = &route.in_csv
        && !arguments.contains_key(in_csv.unless)
        && wants_rows(&received)?
    {
        let (name, value) = in_csv.with;
        arguments.entry(name).or_insert_with(|| json!([value]));
    }
    let mut versions = Versions::Any;
    if matches!(route.method, Method::Put | Method::Patch) {
        versions = received.versions()?;
        if let Versions::Only(version) = versions {
            given_once(&mut arguments, "expected_version", version.into())?;
        }
    }
    let calls = calls(tool, route, arguments)?;
    let answers = calls.last().map_or(tool, |(last, _)| *last);
    let answer = ask(api, calls, &received).await.map_err(|problem| {
        // What was changed meanwhile is said with the status that goes with If-Match.
        match versions {
            Versions::Only(_) => {
                problem.instead(Code::VersionChanged, StatusCode::PRECONDITION_FAILED)
            }
            Versions::Any => problem,
        }
    })?;
    answered(&answer, &Asked::by_path(answers, route), &received)
}

/// An argument that the request says elsewhere, and must not contradict.
fn given_once(arguments: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), Problem> {
    match arguments.insert(name.to_owned(), value.clone()) {
        Some(other) if other != value => {
            let message = format!("'{name}' is given twice: {other} and {value}.");
            Err(Refusal::new(Code::InvalidArgument, message).into())
        }
        _ => Ok(()),
    }
}

/// The calls that a request comes to: one, or two when the body names what another tool does first. Each
/// takes the arguments it knows; what neither knows goes to the last, which refuses it.
fn calls(
    tool: &'static Tool,
    route: &Route,
    arguments: Map<String, Value>,
) -> Result<Calls, Problem> {
    let Some(first) = &route.first else {
        return Ok(vec![(tool, arguments)]);
    };
    if !arguments.contains_key(first.when) {
        return Ok(vec![(tool, arguments)]);
    }
    let goes_first = registry::find(first.tool)?;
    let is_shared = |name: &str| first.shared.contains(&name);
    let (mut before, mut after) = (Map::new(), Map::new());
    for (name, value) in arguments {
        if is_shared(&name) {
            after.insert(name.clone(), value.clone());
        }
        if goes_first.arguments.contains(&name) {
            before.insert(name, value);
        } else {
            after.insert(name, value);
        }
    }
    let has_more = after.keys().any(|name| !is_shared(name));
    let mut calls = vec![(goes_first, before)];
    calls.extend(has_more.then_some((tool, after)));
    Ok(calls)
}

/// Asks the engine, which waits for disks and locks, on a thread that may. Of several calls the last
/// answers.
async fn ask(api: &Api, mut calls: Calls, received: &Received) -> Result<Answer, Problem> {
    let (engine, caller) = (Arc::clone(&api.engine), api.caller(received));
    let spans: Vec<Span> = calls
        .iter()
        .map(|(tool, _)| trace::call_of(tool.name, None))
        .collect();
    if let [(tool, arguments)] = calls.as_slice()
        && let Some(answer) = engine.at_once(tool, arguments, &caller)
    {
        spans.iter().for_each(|span| trace::ended(span, &Ok(())));
        return Ok(answer);
    }
    let asked = waiting(move || {
        let answered = match (calls.len(), calls.pop()) {
            (1, Some((tool, arguments))) => engine.call(tool, arguments, &caller),
            (_, last) => {
                calls.extend(last);
                engine.call_together(calls, &caller).and_then(|answers| {
                    let last = answers.into_iter().last();
                    last.ok_or_else(|| Error::Ours(anyhow::anyhow!("nothing was asked")))
                })
            }
        };
        for span in &spans {
            trace::ended(span, &answered);
        }
        answered
    });
    match asked.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Error::Refused(refusal))) => Err(Problem::from(refusal)),
        Ok(Err(Error::Ours(error))) => Err(Problem::ours(error.to_string())),
        Err(_) => Err(Problem::ours(
            "Something went wrong on our side.".to_owned(),
        )),
    }
}

impl Api {
    fn caller(&self, received: &Received) -> Caller {
        received.caller(self.actor.as_deref(), self.role)
    }
}
