//! Prompts: pieces of work that people start. The words of each are a Markdown file; they say which
//! tools to call with which arguments, so that every figure is fetched and none is made up.

use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, GetPromptResult, ListPromptsResult, Prompt, PromptArgument, PromptMessage, Role,
};
use serde_json::{Map, Value};

use super::{icons, resources};
use crate::engine::clean;

/// The longest argument, in characters.
const LONGEST: usize = 200;

/// A prompt.
struct Work {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    arguments: &'static [Argument],
    /// The words, with `{{name}}` where an argument stands. A line with an argument that was not
    /// given, and has no default, is left out.
    words: &'static str,
}

/// An argument of a prompt, which is also one of the tools that the prompt calls.
struct Argument {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    is_required: bool,
    /// What is meant when nothing is said.
    default: Option<&'static str>,
}

const OWNER: Argument = Argument {
    name: "owner",
    title: "Owner",
    description: "A CSM or sales rep, by name or id; everyone's deals without it",
    is_required: false,
    default: None,
};

const CUSTOMER: Argument = Argument {
    name: "customer",
    title: "Customer",
    description: "The customer, by name or id",
    is_required: true,
    default: None,
};

const fn period(default: &'static str, description: &'static str) -> Argument {
    Argument {
        name: "period",
        title: "Period",
        description,
        is_required: false,
        default: Some(default),
    }
}

const ALL: [Work; 4] = [
    Work {
        name: "weekly_pipeline_review",
        title: "Weekly pipeline review",
        description: "What is open, what changed this week, and what needs attention.",
        arguments: &[
            period(
                "this quarter",
                "The period the review is about, such as Q1; this quarter without it",
            ),
            OWNER,
        ],
        words: include_str!("prompts/weekly_pipeline_review.md"),
    },
    Work {
        name: "forecast_call",
        title: "Forecast call",
        description: "What a period will close at, why it moved, and what could still change it.",
        arguments: &[
            period(
                "this quarter",
                "The period to forecast, such as Q1; this quarter without it",
            ),
            OWNER,
        ],
        words: include_str!("prompts/forecast_call.md"),
    },
    Work {
        name: "account_expansion_plan",
        title: "Account expansion plan",
        description: "Where one customer can grow, from what is open, won and lost with them.",
        arguments: &[CUSTOMER],
        words: include_str!("prompts/account_expansion_plan.md"),
    },
    Work {
        name: "qbr_preparation",
        title: "QBR preparation",
        description: "What a quarterly business review with one customer needs to know.",
        arguments: &[
            CUSTOMER,
            period(
                "last quarter",
                "The quarter under review, such as Q4; last quarter without it",
            ),
        ],
        words: include_str!("prompts/qbr_preparation.md"),
    },
];

/// All prompts, in a fixed order.
pub fn list() -> ListPromptsResult {
    let argument = |it: &Argument| {
        PromptArgument::new(it.name)
            .with_title(it.title)
            .with_description(it.description)
            .with_required(it.is_required)
    };
    let prompt = |it: &Work| {
        let arguments = it.arguments.iter().map(argument).collect();
        Prompt::new(it.name, Some(it.description), Some(arguments))
            .with_title(it.title)
            .with_icons(icons())
    };
    ListPromptsResult::with_all_items(ALL.iter().map(prompt).collect())
        .with_ttl_ms(resources::FIXED)
        .with_cache_scope(CacheScope::Private)
}

/// Whether a prompt takes an argument; an error when there is no such prompt.
pub fn takes(name: &str, argument: &str) -> Result<bool, ErrorData> {
    Ok(find(name)?.arguments.iter().any(|it| it.name == argument))
}

/// The message of a prompt with its arguments filled in.
pub fn get(name: &str, given: &Map<String, Value>) -> Result<GetPromptResult, ErrorData> {
    let work = find(name)?;
    if let Some(unknown) = given
        .keys()
        .find(|key| work.arguments.iter().all(|it| it.name != **key))
    {
        let names: Vec<&str> = work.arguments.iter().map(|it| it.name).collect();
        let message = format!(
            "{name} takes no argument \"{}\". It takes {}.",
            clean(unknown, 60),
            names.join(", ")
        );
        return Err(ErrorData::invalid_params(message, None));
    }
    let mut words = work.words.trim_end().to_owned();
    for argument in work.arguments {
        let hole = format!("{{{{{}}}}}", argument.name);
        words = match said(name, argument, given)? {
            Some(value) => words.replace(&hole, &value),
            None => without_lines(&words, &hole),
        };
    }
    let message = PromptMessage::new_text(Role::User, words);
    Ok(GetPromptResult::new(vec![message]).with_description(work.description))
}

fn find(name: &str) -> Result<&'static Work, ErrorData> {
    ALL.iter().find(|work| work.name == name).ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|work| work.name).collect();
        let message = format!(
            "There is no such prompt. The prompts are {}.",
            names.join(", ")
        );
        ErrorData::invalid_params(message, None)
    })
}

/// An argument as a JSON string on one line, which can neither end the quotation it stands in nor
/// hide anything: other people's words are a value here, never an instruction.
fn said(
    prompt: &str,
    argument: &Argument,
    given: &Map<String, Value>,
) -> Result<Option<String>, ErrorData> {
    let refused = |problem: &str| {
        let message = format!("\"{}\" of {prompt} {problem}.", argument.name);
        Err(ErrorData::invalid_params(message, None))
    };
    let words = match given.get(argument.name) {
        None | Some(Value::Null) => "",
        Some(Value::String(words)) if words.chars().count() > LONGEST => {
            return refused("is too long; 200 characters are allowed");
        }
        Some(Value::String(words)) => words,
        Some(_) => return refused("is no text"),
    };
    let cleaned = clean(words, LONGEST);
    let value = match (cleaned.trim(), argument.default) {
        ("", _) if argument.is_required => return refused("is missing"),
        ("", None) => return Ok(None),
        ("", Some(default)) => default,
        (said, _) => said,
    };
    Ok(Some(Value::from(value.replace('`', "'")).to_string()))
}

fn without_lines(words: &str, hole: &str) -> String {
    let kept = words.lines().filter(|line| !line.contains(hole));
    kept.collect::<Vec<_>>().join("\n")
}
