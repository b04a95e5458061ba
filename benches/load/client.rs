//! A client that costs little: one connection, one question at a time, of the newer revision.

use axum::body::{Body, to_bytes};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// A call of a tool, ready to be sent.
#[derive(Clone)]
pub struct Question {
    tool: &'static str,
    body: String,
}

impl Question {
    pub fn new(tool: &'static str, arguments: &Value) -> Question {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": tool, "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        }});
        let body = body.to_string();
        Question { tool, body }
    }
}

/// A connection that stays open.
pub struct Client {
    address: String,
    requests: SendRequest<Body>,
}

impl Client {
    pub async fn connect(address: &str) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (requests, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let address = address.to_owned();
        Client { address, requests }
    }

    /// The answer as it came.
    pub async fn ask(&mut self, question: &Question) -> Vec<u8> {
        let request = Request::post("/mcp")
            .header("Host", &self.address)
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", "tools/call")
            .header("Mcp-Name", question.tool)
            .body(Body::from(question.body.clone()))
            .unwrap();
        // The answer before may have come before the connection was free again.
        self.requests.ready().await.unwrap();
        let response = self.requests.send_request(request).await.unwrap();
        let status = response.status();
        let answer = to_bytes(Body::new(response.into_body()), usize::MAX).await;
        let answer = answer.unwrap().to_vec();
        assert_eq!(
            status,
            StatusCode::OK,
            "{}",
            String::from_utf8_lossy(&answer)
        );
        answer
    }

    /// The result of a call that went well.
    pub async fn result(&mut self, question: &Question) -> Value {
        let mut answer: Value = serde_json::from_slice(&self.ask(question).await).unwrap();
        let result = answer["result"].take();
        let went_well =
            result["content"][0]["text"].is_string() && result["isError"] != json!(true);
        assert!(went_well, "{answer} {result}");
        result
    }
}
