//! A request, read into a tool's arguments: its query or its body, the headers that say the same thing
//! in HTTP's way, and who sent it.

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, header};
use serde_json::{Map, Value};

use super::paths::ALIASES;
use crate::engine::{Caller, Door, Role};
use crate::refusal::{Code, Refusal};
use crate::registry::Tool;
use crate::surfaces::arguments::arguments_of;
use crate::surfaces::problem::{Fault, Problem};
use crate::surfaces::trace::{self, TRACEPARENT};

/// The largest body that is read, in bytes.
const LARGEST: usize = 1024 * 1024;
/// The argument and the header under which a request may be repeated.
const KEY: &str = "idempotency_key";
const KEY_HEADER: &str = "idempotency-key";

/// A request as it came.
pub struct Received {
    parts: Parts,
    body: Bytes,
}

/// Which versions of an opportunity a change is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// Whichever there is.
    Any,
    /// This one.
    Only(u32),
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Fault::MalformedRequest, detail)
}

fn wrong(detail: impl Into<String>) -> Problem {
    Problem::from(Refusal::new(Code::InvalidArgument, detail))
}

impl Received {
    /// Reads it whole.
    pub async fn of(request: Request) -> Result<Received, Problem> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, LARGEST).await.map_err(|_| {
            let message = format!("The body is larger than {LARGEST} bytes, or broke off.");
            Problem::new(Fault::TooLarge, message)
        })?;
        Ok(Received { parts, body })
    }

    /// The words of a header.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// The path.
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The pairs of the query, in order.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let query = self.parts.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    /// Refuses a query where the arguments are the body.
    pub fn no_query(&self) -> Result<(), Problem> {
        match self.parts.uri.query() {
            None | Some("") => Ok(()),
            Some(_) => Err(bad(
                "This path takes its arguments as the body, not in the URL.",
            )),
        }
    }

    /// The query as arguments: repeated names are lists, `stage[]` is `stage`, the two ends of
    /// `period.start` and `period.end` are one period.
    pub fn query(&self, tool: &Tool) -> Result<Map<String, Value>, Problem> {
        let (mut start, mut end) = (None, None);
        let mut pairs = Vec::new();
        for (name, value) in self.pairs() {
            let name = name.strip_suffix("[]").unwrap_or(&name);
            let slot = match name {
                "period.start" | "period[start]" => &mut start,
                "period.end" | "period[end]" => &mut end,
                _ => {
                    pairs.push((canonical(name).to_owned(), value));
                    continue;
                }
            };
            if slot.replace(value).is_some() {
                return Err(wrong(format!("'{name}' is given twice.")));
            }
        }
        match (start, end) {
            (None, None) => {}
            (Some(start), Some(end)) => {
                pairs.push(("period".to_owned(), format!("{start}..{end}")))
            }
            _ => {
                return Err(wrong("A period has both period.start and period.end.")
                    .hint("Or say it in words: period=Q1."));
            }
        }
        arguments_of(tool, pairs, Map::new()).map_err(|error| wrong(format!("{error:#}.")))
    }

    /// The body as arguments.
    pub fn body(&self) -> Result<Map<String, Value>, Problem> {
        if self.body.trim_ascii().is_empty() {
            return Ok(Map::new());
        }
        let kind = self.header(header::CONTENT_TYPE).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(
                Fault::UnsupportedMediaType,
                "The body is read as application/json only.",
            ));
        }
        let read: Value = serde_json::from_slice(&self.body)
            .map_err(|error| bad(format!("The body is no JSON: {error}.")))?;
        let Value::Object(read) = read else {
            return Err(bad("The body is no JSON object.")
                .hint("Send the arguments by name, such as {\"period\": \"Q1\"}."));
        };
        let mut arguments = Map::new();
        for (name, value) in read {
            let known = canonical(&name);
            if arguments.insert(known.to_owned(), value).is_some() {
                return Err(wrong(format!(
                    "'{known}' is given twice, also as '{name}'."
                )));
            }
        }
        Ok(arguments)
    }

    /// Refuses an `Idempotency-Key` where a version keeps a change from being made twice.
    pub fn no_key(&self) -> Result<(), Problem> {
        match self.header(HeaderName::from_static(KEY_HEADER)) {
            None => Ok(()),
            Some(_) => Err(bad("Only a POST takes an Idempotency-Key.")
                .hint("Leave it out: If-Match keeps the change from being made twice.")),
        }
    }

    /// The arguments with the key of the `Idempotency-Key` header.
    pub fn with_key(
        &self,
        tool: &Tool,
        mut arguments: Map<String, Value>,
    ) -> Result<Map<String, Value>, Problem> {
        let Some(key) = self.header(HeaderName::from_static(KEY_HEADER)) else {
            return Ok(arguments);
        };
        // A question may be repeated without a key.
        if tool.is_read_only() {
            return Ok(arguments);
        }
        let key = key.trim_matches('"').to_owned();
        match arguments.insert(KEY.to_owned(), key.clone().into()) {
            Some(other) if other != key.as_str() => Err(wrong(
                "The Idempotency-Key is given twice, in the header and in the body.",
            )
            .hint("Give one of them.")),
            _ => Ok(arguments),
        }
    }

    /// The versions that a change is meant for, by `If-Match`.
    pub fn versions(&self) -> Result<Versions, Problem> {
        let Some(given) = self.header(header::IF_MATCH) else {
            return Err(Problem::new(
                Fault::PreconditionRequired,
                "A change says with If-Match which version it is meant for.",
            )
            .hint("Send the ETag of the opportunity as you saw it, or * for whichever there is."));
        };
        if given.trim() == "*" {
            return Ok(Versions::Any);
        }
        // A proxy that compresses makes weak tags of ours; the version in them is as good.
        let tag = given.trim();
        let version = tag
            .strip_prefix("W/")
            .unwrap_or(tag)
            .strip_prefix('"')
            .and_then(|tag| tag.strip_suffix('"'));
        let version = version.and_then(|tag| tag.parse().ok());
        version.map(Versions::Only).ok_or_else(|| {
            bad("If-Match is no ETag that this server gave.")
                .hint("Such as \"17\", with its quotation marks.")
        })
    }

    /// Who sent it: by the token, else under this name or that of the program, in this role.
    pub fn caller(&self, actor: Option<&str>, role: Role) -> Caller {
        let client = self.header(header::USER_AGENT).unwrap_or_default();
        let caller = match self.parts.extensions.get::<Caller>() {
            Some(bearer) => bearer.clone(),
            None => {
                let named = actor.unwrap_or(client);
                let named = if named.is_empty() {
                    "rest client"
                } else {
                    named
                };
                Caller::new(named, Door::Rest).in_role(role)
            }
        };
        let trace = self.header(HeaderName::from_static(TRACEPARENT));
        let trace = trace.and_then(trace::id_of).unwrap_or_default();
        caller.with_client(client).with_trace(trace)
    }
}

/// The name of an argument, whatever it is called here.
fn canonical(name: &str) -> &str {
    let known = ALIASES.iter().find(|(alias, _)| *alias == name);
    known.map_or(name, |(_, known)| known)
}
