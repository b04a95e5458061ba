//! Lines of a client that are no JSON this program reads (a number too large, half a surrogate pair,
//! nesting without end): the protocol's library drops them, and whoever waits for an answer waits for
//! ever. Here each that carries an id becomes a request that is answered with what is wrong with it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncRead, BufReader, ReadBuf};

/// The method that stands for a line that could not be read.
pub const UNREADABLE: &str = "$/unreadable";

/// The longest line that is read, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// A reader whose lines are all JSON.
pub struct Legible<R> {
    from: BufReader<R>,
    line: Vec<u8>,
    /// Whether the line is too long, so that the rest of it is skipped.
    is_too_long: bool,
    /// Whether something legible came before: what is said before that is no conversation yet.
    is_begun: bool,
    ready: Vec<u8>,
    given: usize,
}

impl<R: AsyncRead> Legible<R> {
    /// Reads lines from elsewhere.
    pub fn new(from: R) -> Self {
        Legible {
            from: BufReader::new(from),
            line: Vec::new(),
            is_too_long: false,
            is_begun: false,
            ready: Vec::new(),
            given: 0,
        }
    }

    /// Takes in some bytes up to the end of a line, and says whether the line is complete.
    fn take(&mut self, bytes: &[u8]) -> bool {
        if self.line.len() + bytes.len() > LONGEST {
            self.is_too_long = true;
        } else if !self.is_too_long {
            self.line.extend_from_slice(bytes);
        }
        bytes.ends_with(b"\n")
    }

    /// Makes the line, or what stands for it, ready to be read.
    fn settle(&mut self) {
        self.given = 0;
        self.ready.clear();
        let problem = if self.is_too_long {
            Some(format!("it is longer than {LONGEST} bytes"))
        } else if self.line.trim_ascii().is_empty() {
            None
        } else {
            let read = serde_json::from_slice::<Value>(&self.line);
            read.err().map(|error| error.to_string())
        };
        match problem {
            None => {
                self.is_begun = true;
                self.ready.append(&mut self.line);
            }
            Some(problem) => {
                if let Some(id) = id_of(&self.line).filter(|_| self.is_begun) {
                    let request = json!({
                        "jsonrpc": "2.0",
                        "id": id,
                        "method": UNREADABLE,
                        "params": { "problem": problem, "_meta": meta() },
                    });
                    self.ready = format!("{request}\n").into_bytes();
                }
            }
        }
        self.line.clear();
        self.is_too_long = false;
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Legible<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        loop {
            let waiting = this.ready.get(this.given..).unwrap_or_default();
            if !waiting.is_empty() {
                let length = waiting.len().min(into.remaining());
                into.put_slice(waiting.get(..length).unwrap_or_default());
                this.given += length;
                return Poll::Ready(Ok(()));
            }
            let available = ready!(Pin::new(&mut this.from).poll_fill_buf(context))?;
            if available.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(available.len(), |end| end + 1);
            let bytes = available.get(..length).unwrap_or_default().to_vec();
            Pin::new(&mut this.from).consume(length);
            if this.take(&bytes) {
                this.settle();
            }
        }
    }
}

/// What requests of the newer revision must carry; those of the older one may.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": ProtocolVersion::V_2026_07_28,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// The id of a request that is no JSON as a whole: the value of its own key "id", not of one within.
fn id_of(line: &[u8]) -> Option<Value> {
    let (mut depth, mut place) = (0_u32, 0);
    let mut key: Option<&[u8]> = None;
    while let Some(byte) = line.get(place) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let text = line.get(place + 1..)?;
                let length = text_length(text)?;
                key = (depth == 1).then(|| text.get(..length)).flatten();
                place += length + 1;
            }
            b':' if depth == 1 && key == Some(b"id") => {
                let value = line.get(place + 1..)?.trim_ascii_start();
                let length = match value.strip_prefix(b"\"") {
                    Some(text) => text_length(text)? + 2,
                    None => value.iter().position(|byte| !byte.is_ascii_digit())?,
                };
                return serde_json::from_slice(value.get(..length)?).ok();
            }
            _ => {}
        }
        place += 1;
    }
    None
}

/// How long a text in quotation marks is, up to the one that ends it.
fn text_length(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn read(text: &[u8]) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut out = String::new();
        let mut lines = Legible::new(text);
        runtime.block_on(lines.read_to_string(&mut out)).unwrap();
        out.lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_no_json_becomes_a_request_under_its_own_id() {
        let deep = format!(
            "{{\"id\":\"d\",\"x\":{}{}}}",
            "[".repeat(300),
            "]".repeat(300)
        );
        let text = format!(
            "{{\"id\":1}}\n{{\"params\":{{\"id\":9,\"n\":1e400}},\"id\":2}}\n\
             {{\"id\":3,\"text\":\"\\ud800\"}}\n{{\"id\": \"a\\\"b\",\"n\":NaN}}\n{deep}\nnoise\n{{\"id\":4}}\n"
        );
        let lines = read(text.as_bytes());
        let ids: Vec<Value> = lines
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|line| json!([line["id"], line["method"]]))
            .collect();
        let unreadable = |id: &str| json!([id, UNREADABLE]);
        assert_eq!(
            ids,
            [
                json!([1, null]),
                json!([2, UNREADABLE]),
                json!([3, UNREADABLE]),
                unreadable("a\"b"),
                unreadable("d"),
                json!([4, null]),
            ]
        );
    }

    #[test]
    fn nothing_is_said_before_the_conversation_has_begun() {
        assert_eq!(
            read(b"{\"id\":1,\"n\":NaN}\n\n{\"id\":2}\n"),
            ["", "{\"id\":2}"]
        );
    }

    #[test]
    fn a_line_too_long_to_keep_is_answered_and_the_next_is_read() {
        let mut text = b"{\"id\":1}\n{\"id\":2,\"text\":\"".to_vec();
        text.resize(text.len() + LONGEST, b'x');
        text.extend_from_slice(b"\"}\n{\"id\":3}\n");
        let lines = read(&text);
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().any(|line| line.contains("longer than")));
    }
}
