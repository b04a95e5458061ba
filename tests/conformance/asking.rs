//! Asking back, in both revisions: by requests to the client within a session, or by a result that
//! needs more input and a signed state that says how far it got.

use std::sync::LazyLock;
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    ClientCapabilities, InputRequest, InputRequests, InputRequiredResult, InputResponses,
    RequestStateCodec, SealOptions,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Map, Value, json};

static CODEC: LazyLock<RequestStateCodec> =
    LazyLock::new(|| RequestStateCodec::try_new(b"conformance".repeat(3)).unwrap());

/// What has come of asking.
pub enum Asked {
    /// There is more to ask.
    More(InputRequiredResult),
    /// All answers, by the names of their fields.
    All(Map<String, Value>),
}

/// Asks these rounds of questions; `name` is what asks.
pub async fn ask(
    name: &str,
    rounds: &[InputRequests],
    responses: Option<&InputResponses>,
    state: Option<&str>,
    context: &RequestContext<RoleServer>,
) -> Result<Asked, ErrorData> {
    let can = context.client_capabilities().unwrap_or_default();
    let rounds: Vec<InputRequests> = rounds
        .iter()
        .map(|round| answerable(round, &can))
        .collect::<Result<_, _>>()?;
    let version = context.protocol_version();
    let mut answers = Map::new();
    if version.is_some_and(|version| version.has_initialize()) {
        for request in rounds.iter().flat_map(InputRequests::values) {
            take(&mut answers, &in_session(request, context).await?);
        }
        return Ok(Asked::All(answers));
    }
    let mut round: usize = match state {
        None => 0,
        Some(state) => CODEC
            .open_json_with(state, name.as_bytes())
            .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?,
    };
    let none = InputResponses::new();
    let responses = responses.unwrap_or(&none);
    let Some(questions) = rounds.get(round) else {
        return Err(ErrorData::invalid_params("This is over.", None));
    };
    if questions
        .keys()
        .all(|key| responses.get(key).is_some_and(Value::is_object))
    {
        round += 1;
    }
    let Some(questions) = rounds.get(round) else {
        responses
            .values()
            .for_each(|response| take(&mut answers, response));
        return Ok(Asked::All(answers));
    };
    let options = SealOptions::new()
        .associated_data(name.as_bytes())
        .ttl(Duration::from_secs(60));
    let state = CODEC.seal_json_with(&round, &options).unwrap();
    Ok(Asked::More(InputRequiredResult::new(
        Some(questions.clone()),
        Some(state),
    )))
}

/// Those questions that the client can answer, or that it can answer none.
fn answerable(
    questions: &InputRequests,
    can: &ClientCapabilities,
) -> Result<InputRequests, ErrorData> {
    let (mut rest, mut missing) = (InputRequests::new(), Map::new());
    for (key, question) in questions {
        let (capability, can) = match question {
            InputRequest::Elicitation(_) => ("elicitation", can.elicitation.is_some()),
            InputRequest::CreateMessage(_) => ("sampling", can.sampling.is_some()),
            _ => ("roots", can.roots.is_some()),
        };
        if can {
            rest.insert(key.clone(), question.clone());
        } else {
            missing.insert(capability.to_owned(), json!({}));
        }
    }
    if rest.is_empty() {
        let missing = serde_json::from_value(missing.into()).unwrap();
        return Err(ErrorData::missing_required_client_capability(missing));
    }
    Ok(rest)
}

/// Asks one question of the client that is connected.
async fn in_session(
    question: &InputRequest,
    context: &RequestContext<RoleServer>,
) -> Result<Value, ErrorData> {
    let peer = &context.peer;
    let answer = match question.clone() {
        InputRequest::Elicitation(question) => peer
            .create_elicitation(question.params)
            .await
            .map(|answer| json!(answer)),
        InputRequest::CreateMessage(question) => peer
            .create_message(question.params)
            .await
            .map(|answer| json!(answer)),
        _ => peer.list_roots().await.map(|answer| json!(answer)),
    };
    answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// Adds the fields of an answer, and those of what a person filled in.
fn take(answers: &mut Map<String, Value>, answer: &Value) {
    for fields in [Some(answer), answer.get("content")].into_iter().flatten() {
        answers.extend(fields.as_object().cloned().unwrap_or_default());
    }
}
