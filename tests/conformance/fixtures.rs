//! The server that is shipped, with fixtures in front of it: what they do not answer, it does.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use expansion_pipeline::surfaces::mcp::Server;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    ContentBlock, CustomRequest, CustomResult, GetPromptRequestParams, GetPromptResponse,
    GetPromptResult, GetSkillRequestParams, GetSkillResult, InputRequests, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult, ListToolsResult,
    LoggingLevel, LoggingMessageNotificationParam, PaginatedRequestParams,
    ProgressNotificationParam, Prompt, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, Reference, Resource, ResourceTemplate, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::asking::{Asked, ask};

/// What stands in `fixtures.json`. `{name}` in a text is an argument, or a field of what was answered.
#[derive(Deserialize)]
struct Fixtures {
    tools: Vec<Tool>,
    /// What a tool answers.
    results: BTreeMap<String, Value>,
    /// What a tool or prompt asks before it answers, round by round.
    asks: BTreeMap<String, Value>,
    prompts: Vec<Prompt>,
    messages: BTreeMap<String, Value>,
    resources: Vec<Resource>,
    templates: Vec<ResourceTemplate>,
    contents: BTreeMap<String, Value>,
}

static FIXTURES: LazyLock<Fixtures> =
    LazyLock::new(|| serde_json::from_str(include_str!("fixtures.json")).unwrap());

/// A value of the fixtures with its gaps filled.
fn filled<T: DeserializeOwned>(value: &Value, with: &Map<String, Value>) -> T {
    fn fill(value: &mut Value, with: &Map<String, Value>) {
        match value {
            Value::String(text) => {
                for (name, value) in with {
                    let value = value.as_str().map_or(value.to_string(), str::to_owned);
                    *text = text.replace(&format!("{{{name}}}"), &value);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| fill(value, with)),
            Value::Object(fields) => fields.values_mut().for_each(|value| fill(value, with)),
            _ => {}
        }
    }
    let mut value = value.clone();
    fill(&mut value, with);
    serde_json::from_value(value).unwrap()
}

/// The same of a whole result, which says that it is one.
fn result<T: DeserializeOwned>(value: &Value, with: &Map<String, Value>) -> T {
    let mut value = value.clone();
    value["resultType"] = "complete".into();
    filled(&value, with)
}

/// The server with fixtures in front of it.
pub struct WithFixtures {
    server: Server,
}

impl WithFixtures {
    /// In front of this one.
    pub fn new(server: Server) -> WithFixtures {
        WithFixtures { server }
    }
}

/// Sends three notifications, some time apart.
async fn three_times(context: &RequestContext<RoleServer>, tool: &str) {
    for step in 0..3 {
        if tool == "test_tool_with_progress" {
            if let Some(token) = context.meta.get_progress_token() {
                let progress = ProgressNotificationParam::new(token, f64::from(step * 50));
                let _ = context
                    .peer
                    .notify_progress(progress.with_total(100.0))
                    .await;
            }
        } else if tool == "test_tool_with_logging" || context.meta.log_level().is_some() {
            let message = json!(format!("Step {step}"));
            let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, message);
            let _ = context.peer.notify_logging_message(message).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl ServerHandler for WithFixtures {
    fn get_info(&self) -> ServerConfig {
        let mut info = self.server.get_info();
        // Everything but these is what the server itself says.
        info.capabilities.logging = Some(Map::new());
        info
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut listed = self.server.list_tools(request, context).await?;
        listed.tools.extend(FIXTURES.tools.iter().cloned());
        Ok(listed)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let fixture = FIXTURES.tools.iter().find(|tool| tool.name == name);
        fixture.cloned().or_else(|| self.server.get_tool(name))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.to_string();
        if !FIXTURES.tools.iter().any(|tool| tool.name == name) {
            return self.server.call_tool(request, context).await;
        }
        let mut given = request.arguments.unwrap_or_default();
        if let Some(rounds) = FIXTURES.asks.get(&name) {
            let rounds: Vec<InputRequests> = filled(rounds, &given);
            let responses = request.input_responses.as_ref();
            let state = request.request_state.as_deref();
            match ask(&name, &rounds, responses, state, &context).await? {
                Asked::More(more) => return Ok(more.into()),
                Asked::All(answers) => given.extend(answers),
            }
        }
        if name == "test_logging_tool" || name.starts_with("test_tool_with") {
            three_times(&context, &name).await;
        }
        let fixture = FIXTURES.results.get(&name);
        let done = || CallToolResult::success(vec![ContentBlock::text("Done.")]);
        Ok(fixture
            .map_or_else(done, |fixture| result(fixture, &given))
            .into())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut listed = self.server.list_prompts(request, context).await?;
        listed.prompts.extend(FIXTURES.prompts.iter().cloned());
        Ok(listed)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let Some(messages) = FIXTURES.messages.get(&request.name) else {
            return self.server.get_prompt(request, context).await;
        };
        let mut given = request.arguments.unwrap_or_default();
        if let Some(rounds) = FIXTURES.asks.get(&request.name) {
            let rounds: Vec<InputRequests> = filled(rounds, &given);
            let responses = request.input_responses.as_ref();
            let state = request.request_state.as_deref();
            match ask(&request.name, &rounds, responses, state, &context).await? {
                Asked::More(more) => return Ok(more.into()),
                Asked::All(answers) => given.extend(answers),
            }
        }
        Ok(result::<GetPromptResult>(messages, &given).into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        match &request.r#ref {
            Reference::Prompt(prompt) if prompt.name.starts_with("test_") => {
                Ok(CompleteResult::default())
            }
            _ => self.server.complete(request, context).await,
        }
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut listed = self.server.list_resources(request, context).await?;
        listed.resources.extend(FIXTURES.resources.iter().cloned());
        Ok(listed)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut listed = self
            .server
            .list_resource_templates(request, context)
            .await?;
        let templates = FIXTURES.templates.iter().cloned();
        listed.resource_templates.extend(templates);
        Ok(listed)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let id = request
            .uri
            .strip_prefix("test://template/")
            .and_then(|rest| rest.strip_suffix("/data"));
        let key = id.map_or(request.uri.as_str(), |_| "test://template/{id}/data");
        let Some(content) = FIXTURES.contents.get(key) else {
            return self.server.read_resource(request, context).await;
        };
        let mut content = content.clone();
        content["uri"] = request.uri.clone().into();
        let with = Map::from_iter([("id".to_owned(), id.unwrap_or_default().into())]);
        Ok(ReadResourceResult::new(vec![filled(&content, &with)]).into())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if FIXTURES.contents.contains_key(&request.uri) {
            return Ok(());
        }
        self.server.subscribe(request, context).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.server.unsubscribe(request, context).await
    }

    async fn set_level(
        &self,
        _: SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_skills(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListSkillsResult, ErrorData> {
        self.server.list_skills(request, context).await
    }

    async fn get_skill(
        &self,
        request: GetSkillRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetSkillResult, ErrorData> {
        self.server.get_skill(request, context).await
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.server.accepted_subscription_filter(requested)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.server.listen(context).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        self.server.on_custom_request(request, context).await
    }
}
