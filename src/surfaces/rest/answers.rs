//! An answer as a response: JSON, or rows as CSV where that is asked for, with the version of an
//! opportunity as its ETag and the next page as a link.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value};

use super::paths::{Method, Route, about};
use super::reading::Received;
use super::rows;
use crate::engine::Answer;
use crate::registry::Tool;
use crate::surfaces::problem::{Fault, Problem};

/// The media type of rows.
const CSV: &str = "text/csv";

/// What was asked for.
#[derive(Debug)]
pub struct Asked {
    /// The part of the answer that is the opportunity it is about.
    about: Option<&'static str>,
    /// The parts of the answer that can be had as rows.
    rows: &'static [&'static str],
    /// What the answer is made of.
    schema: Arc<Map<String, Value>>,
    /// Whether by a query, which has pages.
    is_query: bool,
}

impl Asked {
    /// By the name of a tool.
    pub fn by_name(tool: &Tool) -> Asked {
        Asked {
            about: about(tool.name),
            rows: &[],
            schema: Arc::clone(&tool.output),
            is_query: false,
        }
    }

    /// By a path, where this tool answers.
    pub fn by_path(tool: &Tool, route: &Route) -> Asked {
        Asked {
            about: about(tool.name),
            rows: route.rows,
            schema: Arc::clone(&tool.output),
            is_query: route.method == Method::Get,
        }
    }
}

/// The response of an answer.
pub fn answered(answer: &Answer, asked: &Asked, received: &Received) -> Result<Response, Problem> {
    let answer = &answer.structured;
    let about = asked.about.and_then(|part| answer.get(part));
    let tag = about
        .and_then(|opportunity| opportunity.get("version"))
        .map(|version| format!("\"{version}\""));
    let known = received.header(header::IF_NONE_MATCH).map(str::trim);
    let known = known.map(|known| known.strip_prefix("W/").unwrap_or(known));
    let is_as_known = tag.is_some() && known == tag.as_deref();
    if asked.is_query && is_as_known {
        return respond(
            StatusCode::NOT_MODIFIED,
            tag.as_deref(),
            Vec::new(),
            None,
            String::new(),
        );
    }
    let is_made = answer.get("created") == Some(&Value::Bool(true));
    let is_dry = answer.get("dry_run") == Some(&Value::Bool(true));
    let mut headers = Vec::new();
    let mut status = StatusCode::OK;
    if is_made && !is_dry {
        status = StatusCode::CREATED;
        let id = about.and_then(|opportunity| opportunity.get("id"));
        if let Some(id) = id.and_then(Value::as_str) {
            let place = format!("/api/expansion-opportunities/{}", encoded(id));
            headers.push((header::LOCATION, place));
        }
    }
    if asked.is_query
        && let Some(cursor) = answer.get("next_cursor").and_then(Value::as_str)
    {
        headers.push((header::LINK, next(received, cursor)));
    }
    let mut parts = asked.rows.iter();
    let rows = parts.find_map(|part| Some((part, answer.get(part)?.as_array()?)));
    match (wants_rows(received)?, rows) {
        (true, Some((part, rows))) => {
            let columns = rows::columns(&asked.schema, part);
            let table =
                rows::csv(columns, rows).map_err(|error| Problem::ours(error.to_string()))?;
            respond(
                status,
                tag.as_deref(),
                headers,
                Some("text/csv; charset=utf-8"),
                table,
            )
        }
        (true, None) => Err(Problem::new(
            Fault::NotAcceptable,
            "This answer has no rows, so it is no CSV.",
        )
        .hint("Accept application/json.")),
        (false, _) => respond(
            status,
            tag.as_deref(),
            headers,
            Some("application/json"),
            answer.to_string(),
        ),
    }
}

/// Whether rows are preferred; what can be given neither way is refused.
pub fn wants_rows(received: &Received) -> Result<bool, Problem> {
    let Some(accepted) = received.header(header::ACCEPT) else {
        return Ok(false);
    };
    for one in accepted.split(',') {
        match one.split(';').next().unwrap_or_default().trim() {
            CSV => return Ok(true),
            "*/*" | "application/*" | "application/json" => return Ok(false),
            _ => {}
        }
    }
    Err(Problem::new(
        Fault::NotAcceptable,
        "Answers are application/json, lists also text/csv.",
    )
    .hint("Accept application/json."))
}

fn respond(
    status: StatusCode,
    tag: Option<&str>,
    headers: Vec<(HeaderName, String)>,
    kind: Option<&str>,
    body: String,
) -> Result<Response, Problem> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let own = [
        (header::ETAG, tag.map(str::to_owned)),
        (header::CONTENT_TYPE, kind.map(str::to_owned)),
    ];
    let own = own
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    for (name, value) in own.chain(headers) {
        let value = HeaderValue::from_str(&value)
            .map_err(|_| Problem::ours("a header cannot be written".to_owned()))?;
        response.headers_mut().insert(name, value);
    }
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// The link to the next page: the same question with its cursor.
fn next(received: &Received, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in received.pairs() {
        if name != "cursor" {
            query.append_pair(&name, &value);
        }
    }
    query.append_pair("cursor", cursor);
    format!("<{}?{}>; rel=\"next\"", received.path(), query.finish())
}

/// A part of a path.
fn encoded(part: &str) -> String {
    form_urlencoded::byte_serialize(part.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
