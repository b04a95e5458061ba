//! What a path may answer: the statuses, the headers that go with them, and the problems, from the one
//! list of them.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{ANSWER, reference, set};
use crate::refusal::{Code, Kind};
use crate::registry::Tool;
use crate::surfaces::problem::{Fault, status_of};
use crate::surfaces::rest::paths::{Method, Route, about};

/// With which statuses every path may say what is wrong.
const ALWAYS: [StatusCode; 12] = [
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::NOT_ACCEPTABLE,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::CONFLICT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNPROCESSABLE_ENTITY,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
];
/// Those that take a body, also with these.
const WITH_BODY: [StatusCode; 1] = [StatusCode::UNSUPPORTED_MEDIA_TYPE];
/// Those that change a version, also with these.
const VERSIONED: [StatusCode; 2] = [
    StatusCode::PRECONDITION_FAILED,
    StatusCode::PRECONDITION_REQUIRED,
];

/// What a path may answer, or a tool by its name, where these tools may give the answer.
pub fn responses(route: Option<&Route>, answering: &[&Tool]) -> Value {
    let method = route.map_or(Method::Post, |route| route.method);
    let schemas: Vec<Value> = answering
        .iter()
        .map(|tool| reference(tool, ANSWER))
        .collect();
    let schema = match schemas.as_slice() {
        [one] => one.clone(),
        several => json!({ "anyOf": several }),
    };
    let mut content = json!({ "application/json": { "schema": schema } });
    if route.is_some_and(|route| !route.rows.is_empty()) {
        set(
            &mut content,
            "text/csv",
            json!({ "schema": { "type": "string" } }),
        );
    }
    let mut headers = of_every_answer();
    if answering.iter().any(|tool| about(tool.name).is_some()) {
        let always = answering.iter().all(|tool| is_always_about_one(tool));
        headers.insert("ETag".to_owned(), version(always));
    }
    let is_list = |tool: &&Tool| {
        tool.output
            .get("properties")
            .is_some_and(|parts| parts.get("next_cursor").is_some())
    };
    if method == Method::Get && answering.iter().any(is_list) {
        headers.insert(
            "Link".to_owned(),
            text(
                "The next page, as rel=\"next\"",
                "^<.+>; rel=\"next\"$",
                false,
            ),
        );
    }
    let made = answering.iter().any(|tool| {
        tool.output
            .get("properties")
            .is_some_and(|parts| parts.get("created").is_some())
    });
    let mut responses =
        json!({ "200": { "description": "The answer", "headers": headers, "content": content } });
    if made {
        let mut headers = headers.clone();
        headers.insert("Location".to_owned(), text("Where it is", "^/api/", true));
        set(
            &mut responses,
            "201",
            json!({ "description": "It was made", "headers": headers, "content": content }),
        );
    }
    if method == Method::Get
        && headers.contains_key("ETag")
        && route.is_some_and(|route| route.id.is_some())
    {
        let mut headers = of_every_answer();
        headers.insert("ETag".to_owned(), version(true));
        set(
            &mut responses,
            "304",
            json!({ "description": "It still is what If-None-Match says", "headers": headers }),
        );
    }
    let with_body = WITH_BODY.iter().filter(|_| method != Method::Get);
    let versioned = VERSIONED
        .iter()
        .filter(|_| matches!(method, Method::Put | Method::Patch));
    for status in ALWAYS.iter().chain(with_body).chain(versioned) {
        let name = status.as_str();
        set(
            &mut responses,
            name,
            json!({ "$ref": format!("#/components/responses/{name}") }),
        );
    }
    responses
}

/// The problems, by status.
pub fn problems() -> Value {
    let statuses = ALWAYS.iter().chain(&WITH_BODY).chain(&VERSIONED);
    statuses
        .map(|status| (status.as_str().to_owned(), problem(*status)))
        .collect::<Map<_, _>>()
        .into()
}

/// The headers that every answer has.
fn of_every_answer() -> Map<String, Value> {
    let id = text("The request in the log", "^.+$", true);
    Map::from_iter([("X-Request-Id".to_owned(), id)])
}

fn problem(status: StatusCode) -> Value {
    let faults = Fault::ALL.iter().filter(|fault| fault.status() == status);
    let faults = faults.map(|fault| (fault.name(), fault.meaning()));
    let meant = |code: &Code| match status {
        // What was changed meanwhile is said with the status that goes with If-Match.
        StatusCode::PRECONDITION_FAILED => *code == Code::VersionChanged,
        status => status_of(*code) == status,
    };
    let refusals = Code::ALL.iter().filter(|code| meant(code));
    let refusals = refusals.map(|code| (code.name(), code.meaning()));
    let lines: Vec<String> = faults
        .chain(refusals)
        .map(|(name, meaning)| format!("`{name}`: {meaning}"))
        .collect();
    let mut headers = of_every_answer();
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(
                "WWW-Authenticate".to_owned(),
                text("How to identify oneself", "^Bearer", true),
            );
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let always = status == StatusCode::TOO_MANY_REQUESTS;
            headers.insert(
                "Retry-After".to_owned(),
                text("In how many seconds to try again", "^[0-9]+$", always),
            );
        }
        _ => {}
    }
    json!({
        "description": lines.join("\n\n"),
        "headers": headers,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

/// A problem (RFC 9457) with the fields of a refusal.
pub fn problem_schema() -> Value {
    let codes = Fault::ALL.iter().map(|fault| fault.name());
    let codes: Vec<&str> = codes
        .chain(Code::ALL.iter().map(|code| code.name()))
        .collect();
    let kinds = Code::ALL.iter().map(|code| code.kind()).fold(
        Vec::new(),
        |mut kinds: Vec<&str>, kind: Kind| {
            if !kinds.contains(&kind.name()) {
                kinds.push(kind.name());
            }
            kinds
        },
    );
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "What is wrong, in one sentence" },
            "code": { "enum": codes, "description": "A stable code" },
            "kind": { "enum": kinds, "description": "The kind of refusal" },
            "hint": { "type": "string", "description": "What to do about it" },
            "candidates": { "type": "array", "items": { "type": "string" }, "description": "What would have fitted, best first" },
            "wants": {
                "type": "object",
                "description": "The argument that would mend it, and a question that a person can answer",
                "required": ["argument", "question", "type"],
                "properties": {
                    "argument": { "type": "string" },
                    "question": { "type": "string" },
                    "type": { "enum": ["text", "choice", "yes"] },
                    "choices": { "type": "array", "items": { "type": "string" } },
                },
            },
        },
    })
}

/// Whether every answer of a tool is about one opportunity.
fn is_always_about_one(tool: &Tool) -> bool {
    let required = tool.output.get("required").and_then(Value::as_array);
    let part = about(tool.name);
    required.is_some_and(|required| {
        required
            .iter()
            .any(|name| name.as_str().is_some() && name.as_str() == part)
    })
}

fn version(always: bool) -> Value {
    text(
        "The version of the opportunity, for If-Match and If-None-Match",
        "^\"[0-9]+\"$",
        always,
    )
}

fn text(description: &str, pattern: &str, always: bool) -> Value {
    json!({ "description": description, "required": always, "schema": { "type": "string", "pattern": pattern } })
}
