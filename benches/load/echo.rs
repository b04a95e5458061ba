//! A server with one tool that says what it is told: what a request costs before anything is answered.

use std::borrow::Cow;

use axum::Router;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler};
use tokio::net::TcpListener;

struct Echo;

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let said = arguments.get("message").and_then(|said| said.as_str());
        let said: Cow<'static, str> = said.unwrap_or_default().to_owned().into();
        Ok(CallToolResult::success(vec![ContentBlock::text(said)]).into())
    }
}

/// Serves until it is killed.
pub async fn serve() {
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_legacy_session_mode(true);
    let manager = LocalSessionManager::default();
    let mcp = StreamableHttpService::new(|| Ok(Echo), manager.into(), config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bound = listener.local_addr().unwrap();
    eprintln!("Listening on http://{bound}, MCP at /mcp");
    let app = Router::new().nest_service("/mcp", mcp);
    axum::serve(listener, app).await.unwrap();
}
