//! Completions: what may stand for a variable of a resource template or an argument of a prompt,
//! given what is typed so far.

use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use super::{prompts, resources};
use crate::engine::{Engine, Error};

/// More typed than this completes to nothing.
const LONGEST: usize = 200;

/// Completes an argument. It asks the engine, so it may wait.
pub fn complete(
    engine: &Engine,
    request: &CompleteRequestParams,
) -> Result<CompleteResult, ErrorData> {
    let (name, typed) = (
        request.argument.name.as_str(),
        request.argument.value.as_str(),
    );
    let is_long = typed.chars().count() > LONGEST;
    let argument = match &request.r#ref {
        Reference::Resource(template) => {
            if !resources::is_template(&template.uri) {
                let message = "There is no such resource template. See resources/templates/list.";
                return Err(ErrorData::invalid_params(message, None));
            }
            if let Some(names) = resources::definition_names(&template.uri) {
                let fitting = |value: &String| value.starts_with(&typed.to_lowercase());
                let values: Vec<String> = names.into_iter().filter(fitting).collect();
                let total = values.len();
                return offered(values, total);
            }
            resources::argument_of(&template.uri, name)
        }
        Reference::Prompt(prompt) => prompts::takes(&prompt.name, name)?.then_some(name),
        _ => None,
    };
    match argument {
        Some(argument) if !is_long => {
            let most = CompletionInfo::MAX_VALUES;
            let completed = engine.complete(argument, typed, most);
            let completed = completed.map_err(|error| match error {
                Error::Refused(refusal) => ErrorData::internal_error(refusal.to_string(), None),
                Error::Ours(error) => ErrorData::internal_error(error.to_string(), None),
            })?;
            offered(completed.values, completed.total)
        }
        _ => offered(Vec::new(), 0),
    }
}

fn offered(values: Vec<String>, total: usize) -> Result<CompleteResult, ErrorData> {
    let (count, has_more) = (u32::try_from(total).ok(), total > values.len());
    let info = CompletionInfo::with_pagination(values, count, has_more);
    let info = info.map_err(|message| ErrorData::internal_error(message, None))?;
    Ok(CompleteResult::new(info))
}
