//! Asking the person: what a refused change still wants is asked for through the client. Clients of
//! 2026-07-28 get the question as the result of the call and call again with the answer and a signed
//! state; those of 2025-11-25 are asked while their call waits. Nothing is written before the answer.

use std::borrow::Cow;
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ElicitRequest,
    ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema, EnumSchema,
    InputRequest, InputRequests, InputRequiredResult, InputResponses, RequestStateCodec,
    RequestStateError, SealOptions,
};
use rmcp::service::{RequestContext, RoleServer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Server, integrity, ours};
use crate::engine::{Caller, Conversation, Error};
use crate::refusal::{Refusal, Takes, Wanted};
use crate::registry::Tool;

/// How long a question stands.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);

/// How many calls may wait for a person at a time: each holds a place of the few that there are for requests.
pub(super) const OPEN: usize = 64;

/// The longest answer in words, in characters.
const LONGEST: u32 = 500;

/// Where a result says that the person did not want the change.
const DECLINED: &str = "expansion-pipeline/elicitation";

/// What becomes of a call that was refused.
pub(super) enum Next {
    /// It is made again, with what the person said.
    Again,
    /// It is answered with this.
    Answer(Box<CallToolResponse>),
    /// The caller is told of the refusal.
    Refuse,
}

/// How the client has a person asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Not at all.
    None,
    /// In a request of ours, while its own waits.
    Request,
    /// In the result, and it calls again.
    Rounds,
}

impl Way {
    fn of(context: &RequestContext<RoleServer>) -> Way {
        let can = context
            .client_capabilities()
            .and_then(|client| client.elicitation)
            .is_some_and(|asks| asks.form.is_some() || asks.url.is_none());
        let version = context.protocol_version();
        match (can, version.is_some_and(|it| !it.has_initialize())) {
            (false, _) => Way::None,
            (true, false) => Way::Request,
            (true, true) => Way::Rounds,
        }
    }
}

/// What the client keeps for us between two rounds. It is signed, not secret.
#[derive(Serialize, Deserialize)]
struct State {
    /// What the person said in the rounds before.
    said: Map<String, Value>,
    /// What was asked last.
    wanted: Wanted,
    /// The key under which the change is made once, however often this and other states of it are sent.
    key: String,
}

/// A call of a tool, with what a person adds to its arguments.
pub(super) struct Asking<'a> {
    way: Way,
    tool: &'static Tool,
    caller: &'a Caller,
    context: RequestContext<RoleServer>,
    /// The arguments as the client gave them, and the key that its state holds.
    conversation: Conversation,
    said: Map<String, Value>,
    /// How the person turned the change down.
    refused: Option<ElicitationAction>,
}

impl<'a> Asking<'a> {
    /// A call as it came, with what was said in the rounds before it.
    pub(super) async fn new(
        server: &Server,
        tool: &'static Tool,
        request: CallToolRequestParams,
        caller: &'a Caller,
        context: RequestContext<RoleServer>,
    ) -> Result<Asking<'a>, ErrorData> {
        let given = request.arguments.unwrap_or_default();
        let mut asking = Asking {
            way: Way::of(&context),
            tool,
            caller,
            context,
            conversation: Conversation { given, key: None },
            said: Map::new(),
            refused: None,
        };
        if let Some(sealed) = request.request_state {
            let state: State = codec(server)
                .await?
                .open_json_with(&sealed, &asking.bound_to())
                .map_err(|error| unfit(&error))?;
            asking.said = state.said;
            asking.conversation.key = Some(state.key);
            asking.take(&state.wanted, request.input_responses.unwrap_or_default())?;
        }
        Ok(asking)
    }

    /// What a state is bound to: the caller, the tool and the arguments as the client gave them.
    fn bound_to(&self) -> Vec<u8> {
        let (actor, role) = (self.caller.actor(), self.caller.role().word());
        let bound_to = json!([actor, role, self.tool.name, self.conversation.given]);
        bound_to.to_string().into_bytes()
    }

    /// The answer to the call when the person did not want the change.
    pub(super) fn declined(&self) -> Option<CallToolResult> {
        self.refused.as_ref().map(declined)
    }

    /// The arguments with what the person added.
    pub(super) fn arguments(&self) -> Cow<'_, Map<String, Value>> {
        if self.said.is_empty() {
            return Cow::Borrowed(&self.conversation.given);
        }
        let mut arguments = self.conversation.given.clone();
        arguments.extend(self.said.clone());
        Cow::Owned(arguments)
    }

    /// The conversation so far.
    pub(super) fn conversation(&self) -> Conversation {
        self.conversation.clone()
    }

    /// Asks for what a refused change wants, when the client can have a person asked.
    pub(super) async fn ask(
        &mut self,
        server: &Server,
        refusal: &Refusal,
    ) -> Result<Next, ErrorData> {
        let Some(wanted) = refusal.wants.as_deref() else {
            return Ok(Next::Refuse);
        };
        let may_ask = !self.tool.is_read_only()
            && !server.engine.is_read_only()
            && self.tool.arguments.contains(&wanted.argument)
            && !self.said.contains_key(&wanted.argument);
        if !may_ask {
            return Ok(Next::Refuse);
        }
        match self.way {
            Way::None => Ok(Next::Refuse),
            Way::Rounds => {
                let request = ElicitRequest::new(params(wanted)?);
                let requests = InputRequests::from([(
                    wanted.argument.clone(),
                    InputRequest::Elicitation(request),
                )]);
                let state = State {
                    said: self.said.clone(),
                    wanted: wanted.clone(),
                    key: match &self.conversation.key {
                        Some(key) => key.clone(),
                        None => Uuid::new_v4().to_string(),
                    },
                };
                let bound_to = self.bound_to();
                let options = SealOptions::new()
                    .associated_data(&bound_to)
                    .ttl(server.patience);
                let sealed = codec(server).await?.seal_json_with(&state, &options);
                let sealed = sealed.map_err(|error| ours(&error))?;
                let mut result = InputRequiredResult::new(Some(requests), Some(sealed));
                result.meta = Some(integrity::of_answer(true));
                Ok(Next::Answer(Box::new(result.into())))
            }
            Way::Request => {
                // Whoever comes when too many wait is told which argument to add.
                let Ok(_open) = server.questions.try_acquire() else {
                    return Ok(Next::Refuse);
                };
                let peer = self.context.peer.clone();
                let asked =
                    peer.create_elicitation_with_timeout(params(wanted)?, Some(server.patience));
                let answered = tokio::select! {
                    answered = asked => answered,
                    // Nobody waits for the call any more, so nothing may come of it.
                    () = self.context.ct.cancelled() => {
                        return Ok(Next::Answer(Box::new(declined(&ElicitationAction::Cancel).into())));
                    }
                };
                match answered {
                    Ok(answer) => self.hear(wanted, answer)?,
                    // The client could not ask after all.
                    Err(_) => return Ok(Next::Refuse),
                }
                Ok(Next::Again)
            }
        }
    }

    /// Takes the answer of the last round out of what the client sent.
    fn take(&mut self, wanted: &Wanted, mut answers: InputResponses) -> Result<(), ErrorData> {
        let Some(answer) = answers.remove(&wanted.argument) else {
            return Ok(());
        };
        let answer: ElicitResult =
            serde_json::from_value(answer).map_err(|_| misfit(&wanted.argument))?;
        self.hear(wanted, answer)
    }

    /// Takes an answer: a value for the argument that was asked for, or none.
    fn hear(&mut self, wanted: &Wanted, answer: ElicitResult) -> Result<(), ErrorData> {
        if answer.action != ElicitationAction::Accept {
            self.refused = Some(answer.action);
            return Ok(());
        }
        let name = &wanted.argument;
        let value = answer.content.as_ref().and_then(|it| it.get(name));
        let value = value.ok_or_else(|| misfit(name))?;
        let fits = match (&wanted.takes, value) {
            (Takes::Yes, Value::Bool(false)) => {
                self.refused = Some(ElicitationAction::Decline);
                return Ok(());
            }
            (Takes::Yes, value) => value == true,
            (Takes::Choice(choices), Value::String(word)) => choices.contains(word),
            (Takes::Text, Value::String(words)) => words.chars().count() <= LONGEST as usize,
            // A form asks for words, and some clients make numbers of amounts.
            (Takes::Text, Value::Number(_)) => true,
            _ => false,
        };
        if !fits {
            return Err(misfit(name));
        }
        self.said.insert(name.clone(), value.clone());
        Ok(())
    }
}

/// The codec of states, with the key that all processes on the database share.
async fn codec(server: &Server) -> Result<RequestStateCodec, ErrorData> {
    let key = server.ask(|engine| {
        engine.signing_key().map_err(|error| match error {
            Error::Refused(refusal) => ErrorData::internal_error(refusal.to_string(), None),
            Error::Ours(error) => ours(&error),
        })
    });
    RequestStateCodec::try_new(key.await?).map_err(|error| ours(&error))
}

/// The question as the protocol has it: a form with one field.
fn params(wanted: &Wanted) -> Result<ElicitRequestParams, ErrorData> {
    let (name, form) = (wanted.argument.as_str(), ElicitationSchema::builder());
    let form = match &wanted.takes {
        Takes::Text => form.required_string_property(name, |field| field.length(1, LONGEST)),
        Takes::Choice(choices) => {
            form.required_enum_schema(name, EnumSchema::builder(choices.clone()).build())
        }
        Takes::Yes => form.required_bool(name),
    };
    let requested_schema = form.build().map_err(|error| ours(&error))?;
    Ok(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: wanted.question.clone(),
        requested_schema,
    })
}

/// The result of a call whose change the person did not want.
fn declined(action: &ElicitationAction) -> CallToolResult {
    let (word, said) = match action {
        ElicitationAction::Cancel => ("cancelled", "did not answer"),
        _ => ("declined", "declined"),
    };
    let text = format!(
        "The person who was asked {said}. Nothing was written now. Do not repeat the call."
    );
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    let mut meta = integrity::of_answer(false);
    meta.insert(DECLINED.to_owned(), word.into());
    result.meta = Some(meta);
    result
}

/// The error for a state that is not ours, not for this call, or too old.
fn unfit(error: &RequestStateError) -> ErrorData {
    let what = match error {
        RequestStateError::Expired => "The requestState has expired",
        _ => "The requestState was not made for this caller and these arguments",
    };
    let message = format!("{what}; nothing was written. Call again without it.");
    ErrorData::invalid_params(message, None)
}

/// The error for an answer that is none to the question.
fn misfit(argument: &str) -> ErrorData {
    let message =
        format!("The answer for '{argument}' does not fit the question; nothing was written.");
    ErrorData::invalid_params(message, None)
}
