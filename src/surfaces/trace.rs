//! W3C trace context: which trace a request belongs to, so that a change in the log can be found again
//! in what was traced around it; and the spans of calls of tools.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::engine::{Error, Result};

/// The name of the header, and of the field of `_meta`, that carries the trace.
pub const TRACEPARENT: &str = "traceparent";

/// The id of the trace within a `traceparent`; `None` when it is none.
pub fn id_of(traceparent: &str) -> Option<&str> {
    let is_hex = |part: &str, length| {
        part.len() == length
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = traceparent.split('-');
    let (version, id) = (parts.next()?, parts.next()?);
    let (parent, flags) = (parts.next()?, parts.next()?);
    let is_sound = is_hex(version, 2)
        && version != "ff"
        && is_hex(id, 32)
        && id.bytes().any(|byte| byte != b'0')
        && is_hex(parent, 16)
        && is_hex(flags, 2);
    is_sound.then_some(id)
}

/// Puts a span under the one that a `traceparent` names, in its trace, where spans are sent anywhere.
pub fn adopt(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent.filter(|_| !span.is_disabled()) else {
        return;
    };
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    // Without a collector it has no parent and needs none.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}

/// The span of a call of a tool, under the one that is said with the call, else under the current one.
pub fn call_of(tool: &'static str, traceparent: Option<&str>) -> Span {
    let span = info_span!(
        "call",
        otel.name = format_args!("tools/call {tool}"),
        otel.status_code = Empty,
        tool,
        outcome = Empty,
    );
    adopt(&span, traceparent);
    span
}

/// Says in the span of a call how it ended: `answered`, the code of the refusal, or `failed`.
pub fn ended<T>(span: &Span, result: &Result<T>) {
    let outcome = match result {
        Ok(_) => "answered",
        Err(Error::Refused(refusal)) => refusal.code.name(),
        Err(Error::Ours(_)) => {
            span.record("otel.status_code", "ERROR");
            "failed"
        }
    };
    span.record("outcome", outcome);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_trace_is_its_second_part_or_nothing() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(id_of(&format!("00-{id}-00f067aa0ba902b7-01")), Some(id));
        for wrong in [
            "",
            "00-4bf92f35-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(id_of(wrong), None, "{wrong}");
        }
    }
}
