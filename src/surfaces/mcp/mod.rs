//! The Model Context Protocol, for clients of both revisions, over whatever transport.
//! Tools come from the registry; a refusal is a tool result that the model reads, a failure of ours
//! a protocol error with a reference. What is offered beside tools stands in a file each.

mod completions;
mod documents;
mod elicitation;
mod integrity;
mod progress;
mod prompts;
mod resources;
mod skills;
mod subscriptions;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::http::request::Parts;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
    CompleteResult, ContentBlock, CustomRequest, CustomResult, ErrorCode, GetPromptRequestParams,
    GetPromptResponse, GetSkillRequestParams, GetSkillResult, Icon, Implementation,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ServerCapabilities, ServerConfig, SubscribeRequestParams, SubscriptionFilter, Tool,
    ToolAnnotations, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, RoleServer, ServerInitializeError, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler, ServiceExt};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tracing::{Instrument as _, Span};

use self::elicitation::{Asking, Next};
use self::subscriptions::{Session, Watcher};
use super::legible::{Legible, UNREADABLE};
use super::trace::{self, TRACEPARENT};
use crate::engine::{Answer, Caller, Door, Engine, Error, Role};
use crate::refusal::Refusal;
use crate::registry;
use crate::surfaces::waiting;

/// Where a refusal's fields stand in `_meta`.
const REFUSAL: &str = "expansion-pipeline/refusal";

const INSTRUCTIONS: &str = "Answers questions about the expansion pipeline (upsell, cross-sell, add-on, seats, tier \
    upgrades) exactly. Ask one tool for the figure; never add rows up yourself. Say periods and names as people do \
    (\"Q1\", \"this month\", \"Acme\"). State the period and definitions from `basis` with every figure.";

/// One MCP server over an engine.
pub struct Server {
    engine: Arc<Engine>,
    /// Who calls, when the command line said so; else the client by its name.
    actor: Option<String>,
    /// In which role, where no token says it.
    role: Role,
    watcher: Watcher,
    session: Session,
    /// How long a question to a person stands.
    patience: Duration,
    /// The questions that calls may wait for at a time, in all sessions.
    questions: Arc<Semaphore>,
}

impl Server {
    /// A server whose callers act under this name, or each under its client's, and in this role; those
    /// who come with a token act as that says.
    pub fn new(engine: Arc<Engine>, actor: Option<String>, role: Role) -> Server {
        Server {
            watcher: Watcher::new(Arc::clone(&engine)),
            session: Session::default(),
            engine,
            actor,
            role,
            patience: elicitation::PATIENCE,
            questions: Arc::new(Semaphore::new(elicitation::OPEN)),
        }
    }

    /// The same with another time for which a question to a person stands.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Server {
        Server { patience, ..self }
    }

    /// The same for one more session.
    #[must_use]
    pub fn for_session(&self) -> Server {
        Server {
            engine: Arc::clone(&self.engine),
            actor: self.actor.clone(),
            role: self.role,
            watcher: self.watcher.clone(),
            session: Session::default(),
            patience: self.patience,
            questions: Arc::clone(&self.questions),
        }
    }

    /// Asks on a thread that may wait for disks and locks. What panics there is answered as a failure.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Engine) -> Result<T, ErrorData> + Send + 'static,
    ) -> Result<T, ErrorData> {
        let engine = Arc::clone(&self.engine);
        let asked = waiting(move || question(&engine)).await;
        asked.unwrap_or_else(|_| {
            let message = "Something went wrong on our side.";
            Err(ErrorData::internal_error(message, None))
        })
    }

    fn caller(&self, context: &RequestContext<RoleServer>) -> Caller {
        let parts = context.extensions.get::<Parts>();
        let client = context.client_info().map(|client| client.name.clone());
        let caller = match parts.and_then(|parts| parts.extensions.get::<Caller>()) {
            Some(bearer) => bearer.clone(),
            None => {
                let actor = self.actor.as_ref().or(client.as_ref());
                let actor = actor.map_or("mcp client", String::as_str);
                Caller::new(actor, Door::Mcp).in_role(self.role)
            }
        };
        let in_header = || parts?.headers.get(TRACEPARENT)?.to_str().ok();
        let traceparent = context.meta.get(TRACEPARENT).and_then(Value::as_str);
        let trace = traceparent.or_else(in_header).and_then(trace::id_of);
        caller
            .with_client(&client.unwrap_or_default())
            .with_trace(trace.unwrap_or_default())
    }
}

/// What stands beside everything that is offered: bars that grow.
fn icons() -> Vec<Icon> {
    let icon = Icon::new(concat!(
        "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20viewBox='0%200%2024%2024'",
        "%20fill='%231f6feb'%3E%3Cpath%20d='M3%2015h4v6H3zM10%2010h4v11h-4zM17%204h4v17h-4z'/%3E%3C/svg%3E"
    ));
    vec![
        icon.with_mime_type("image/svg+xml")
            .with_sizes(vec!["any".to_owned()]),
    ]
}

/// A tool as `tools/list` sends it.
pub fn listed(tool: &registry::Tool) -> Tool {
    let reads = tool.is_read_only();
    let annotations = ToolAnnotations::from_raw(
        None,
        Some(reads),
        Some(false),
        Some(tool.idempotent),
        Some(false),
    );
    Tool::new(tool.name, tool.description, Arc::clone(&tool.input))
        .with_title(tool.title)
        .with_raw_output_schema(Arc::clone(&tool.output))
        .with_annotations(annotations)
}

fn all_listed() -> &'static [Tool] {
    static LISTED: LazyLock<Vec<Tool>> =
        LazyLock::new(|| registry::tools().iter().map(listed).collect());
    &LISTED
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let server = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_title("Expansion Pipeline")
            .with_icons(icons());
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_prompts()
            .enable_completions()
            .enable_skills();
        ServerConfig::new(capabilities.build())
            .with_server_info(server)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let role = self.caller(&context).role();
        let allowed = all_listed().iter().zip(registry::tools());
        let writes = !self.engine.is_read_only();
        let may = |tool: &registry::Tool| tool.allows(role) && (writes || tool.is_read_only());
        let allowed = allowed.filter(|(_, tool)| may(tool));
        let listed = allowed.map(|(listed, _)| listed.clone()).collect();
        Ok(ListToolsResult::with_all_items(listed)
            .with_ttl_ms(resources::FIXED)
            .with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = registry::find(&request.name).map_err(|refusal| {
            ErrorData::invalid_params(refusal.to_string(), Some(meta_of(&refusal).into()))
        })?;
        let cancelled = context.ct.clone();
        let caller = self
            .caller(&context)
            .unless(move || cancelled.is_cancelled());
        let (client, meta) = (context.peer.clone(), context.meta.clone());
        let traceparent = context.meta.get(TRACEPARENT).and_then(Value::as_str);
        let traceparent = traceparent.map(str::to_owned);
        let mut asking = Asking::new(self, tool, request, &caller, context).await?;
        loop {
            if let Some(declined) = asking.declined() {
                return Ok(declined.into());
            }
            let arguments = asking.arguments();
            let span = trace::call_of(tool.name, traceparent.as_deref());
            if let Some(answer) = self.engine.at_once(tool, &arguments, &caller) {
                trace::ended(&span, &Ok(()));
                return Ok(answered(answer).into());
            }
            let (arguments, caller) = (arguments.into_owned(), caller.clone());
            let conversation = asking.conversation();
            let called = self.ask(move |engine| {
                let answered = engine.call_in(tool, arguments, Some(&conversation), &caller);
                trace::ended(&Span::current(), &answered);
                match answered {
                    Ok(answer) => Ok(Ok(answer)),
                    Err(Error::Refused(refusal)) => Ok(Err(refusal)),
                    Err(Error::Ours(error)) => Err(ours(&error)),
                }
            });
            let called = called.instrument(span);
            let told = progress::telling(&self.engine, &client, &meta, called);
            let refusal = match told.await? {
                Ok(answer) => return Ok(answered(answer).into()),
                Err(refusal) => refusal,
            };
            match asking.ask(self, &refusal).await? {
                Next::Again => {}
                Next::Answer(response) => return Ok(*response),
                Next::Refuse => return Ok(refused(&refusal).into()),
            }
        }
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(resources::list())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let caller = self.caller(&context);
        let read = self.ask(move |engine| resources::read(engine, &request.uri, &caller));
        Ok(read.await?.into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        self.ask(move |engine| completions::complete(engine, &request))
            .await
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(prompts::list())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let given = request.arguments.unwrap_or_default();
        let prompt = self.ask(move |_| prompts::get(&request.name, &given));
        Ok(prompt.await?.into())
    }

    async fn list_skills(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListSkillsResult, ErrorData> {
        Ok(skills::list())
    }

    async fn get_skill(
        &self,
        request: GetSkillRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetSkillResult, ErrorData> {
        skills::get(&request.uri)
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(subscriptions::accepted(requested))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.watcher.listen(context).await
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.session
            .subscribe(&self.watcher, context.peer, request.uri)
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.session.unsubscribe(&request.uri);
        Ok(())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if request.method == UNREADABLE {
            let problem = request
                .params
                .as_ref()
                .and_then(|params| params.get("problem"));
            let problem = problem.and_then(Value::as_str).unwrap_or("it is no JSON");
            let message =
                format!("The request cannot be read: {problem}. Send JSON, in numbers that fit.");
            return Err(ErrorData::new(ErrorCode::PARSE_ERROR, message, None));
        }
        // A known method lands here when its parameters are malformed. Each revision has some of its own.
        let version = context.protocol_version();
        let is_older = version.is_none_or(|version| version.has_initialize());
        let expected = match request.method.as_str() {
            "initialize" | "resources/subscribe" | "resources/unsubscribe" if !is_older => "",
            "server/discover" | "subscriptions/listen" if is_older => "",
            "tools/call" => "\"name\": the tool's, and \"arguments\": an object",
            "tools/list"
            | "resources/list"
            | "resources/templates/list"
            | "prompts/list"
            | "skills/list" => "nothing, or a \"cursor\"",
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" | "skills/get" => {
                "\"uri\": a text"
            }
            "prompts/get" => "\"name\": the prompt's, and \"arguments\": an object of texts",
            "completion/complete" => "\"ref\", and \"argument\" with its \"name\" and \"value\"",
            "subscriptions/listen" => "\"notifications\": what to listen to",
            "initialize" => "\"protocolVersion\", \"capabilities\" and \"clientInfo\"",
            "server/discover" => "nothing",
            _ => "",
        };
        if !expected.is_empty() {
            let message = format!(
                "The parameters of {} are malformed. Send {expected}.",
                request.method
            );
            return Err(ErrorData::invalid_params(message, None));
        }
        Err(ErrorData::new(
            ErrorCode::METHOD_NOT_FOUND,
            request.method,
            None,
        ))
    }
}

/// A failure of ours as a protocol error.
fn ours(error: &impl ToString) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

/// An answer as the result of a call.
fn answered(answer: Answer) -> CallToolResult {
    let mut result = CallToolResult::success(vec![ContentBlock::text(answer.text)]);
    result.structured_content = Some(answer.structured);
    result.meta = Some(integrity::of_answer(answer.is_untrusted));
    result
}

/// A refusal as a tool result: words for the model, the same fields in `_meta` for programs. No
/// structured content, because clients check that against the output schema and lose the words.
fn refused(refusal: &Refusal) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(refusal.to_string())]);
    // It may repeat words of the caller and names on record.
    let mut meta = integrity::of_answer(true);
    meta.insert(REFUSAL.to_owned(), meta_of(refusal).into());
    result.meta = Some(meta);
    result
}

fn meta_of(refusal: &Refusal) -> Map<String, Value> {
    let mut fields = json!({
        "code": refusal.code.name(),
        "kind": refusal.code.kind().name(),
        "message": refusal.message,
        "hint": refusal.hint,
        "candidates": refusal.candidates,
    });
    if let (Some(wants), Some(fields)) = (&refusal.wants, fields.as_object_mut()) {
        fields.insert("wants".to_owned(), json!(wants));
    }
    fields.as_object().cloned().unwrap_or_default()
}

/// Serves MCP over standard input and output until the client closes it or the process is told to stop.
pub async fn serve_stdio(server: Server) -> anyhow::Result<()> {
    let (from, to) = rmcp::transport::io::stdio_pipes();
    let running = match server.serve((Legible::new(from), to)).await {
        Ok(running) => running,
        // The client left before it said anything.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    running.waiting().await?;
    Ok(())
}
