//! The published contracts are those of the code, are fit for language models and their hosts, and
//! every answer keeps to its own. Tokens are counted as `o200k_base` counts compact JSON: what a
//! host puts before a model is the name, title, description and input schema of each tool.

use expansion_pipeline::registry::tools;
use expansion_pipeline::surfaces::{contracts, mcp};
use serde_json::{Map, Value, json};

use crate::answers::outcomes;
use crate::support::{TODAY, nothing, portfolio, root};

/// The most tokens of all names, titles, descriptions and input schemas together.
const INPUT_BUDGET: usize = 6_500;
/// The most tokens of all output schemas together.
const OUTPUT_BUDGET: usize = 16_000;
/// The most tokens of the text of `get_forecast` without arguments, on the demo portfolio.
const FORECAST_TEXT_BUDGET: usize = 200;
/// The most tools that a model can choose well among.
const MOST_TOOLS: usize = 14;
/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 1_024;

fn tokens(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton()
        .encode_ordinary(text)
        .len()
}

/// Every tool as `tools/list` sends it.
fn listed() -> Vec<Map<String, Value>> {
    let sent = |tool| serde_json::to_value(mcp::listed(tool)).unwrap();
    tools()
        .iter()
        .map(|tool| sent(tool).as_object().unwrap().clone())
        .collect()
}

/// Calls a closure with every schema inside a schema, the schema itself included, and where it stands.
fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Map<String, Value>)) {
    match schema {
        Value::Object(map) => {
            visit(path, map);
            for (key, value) in map {
                let is_names = matches!(key.as_str(), "properties" | "$defs");
                match value {
                    Value::Object(named) if is_names => {
                        named.iter().for_each(|(name, inner)| {
                            walk(inner, &format!("{path}.{name}"), visit)
                        });
                    }
                    other => walk(other, &format!("{path}/{key}"), visit),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, path, visit)),
        _ => {}
    }
}

#[test]
fn the_published_contracts_are_those_of_the_code() {
    let stale = contracts::stale(root()).unwrap();
    let stale: Vec<&String> = stale
        .iter()
        .filter(|path| path.starts_with("tools/"))
        .collect();
    assert!(
        stale.is_empty(),
        "stale: {stale:?}; run `cargo run -- contracts --write`"
    );
}

/// Clients of 2026-07-28 would send such an argument in a header as well, which is held against the body
/// by the schema of the tool; that no schema is looked up for it rests on there being none.
#[test]
fn no_argument_is_sent_in_a_header() {
    for tool in listed() {
        let schema = &tool["inputSchema"];
        let mut seen = 0;
        walk(schema, "", &mut |path, map| {
            seen += 1;
            let asks = map
                .keys()
                .find(|key| key.to_ascii_lowercase().starts_with("x-mcp-"));
            assert!(asks.is_none(), "{}{path}: {asks:?}", tool["name"]);
        });
        assert!(seen > 1, "{} takes nothing", tool["name"]);
        // Nor where no schema would stand.
        let text = schema.to_string().to_ascii_lowercase();
        assert!(!text.contains("x-mcp-header"), "{}", tool["name"]);
    }
}

#[test]
fn names_and_descriptions_are_fit_for_models() {
    assert!(
        tools().len() <= MOST_TOOLS,
        "{} tools are too many to choose among",
        tools().len()
    );
    for tool in tools() {
        let is_snake = tool
            .name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(is_snake, "{} is not in snake_case", tool.name);
        let file = ["reports", "asking", "actions"]
            .map(|room| root().join(format!("src/{room}/{}.rs", tool.name)));
        assert!(
            file.iter().any(|file| file.exists()),
            "{} does not stand in a file of its name",
            tool.name
        );
        assert!(
            !tool.title.is_empty() && !tool.title.contains('_'),
            "{} has no title for people",
            tool.name
        );
        let length = tool.description.chars().count();
        assert!(
            (40..=LONGEST_DESCRIPTION).contains(&length),
            "{}: a description of {length} characters",
            tool.name
        );
        assert!(
            tool.description.contains("Use for \""),
            "{}: the description gives no example",
            tool.name
        );
    }
}

#[test]
fn every_hint_is_given() {
    for (tool, sent) in tools().iter().zip(listed()) {
        let expected = json!({
            "readOnlyHint": tool.is_read_only(),
            "destructiveHint": false,
            "idempotentHint": tool.idempotent,
            "openWorldHint": false,
        });
        assert_eq!(sent.get("annotations"), Some(&expected), "{}", tool.name);
    }
}

#[test]
fn inputs_are_plain_and_described() {
    let mut faults = Vec::new();
    for tool in tools() {
        let schema = Value::Object((*tool.input).clone());
        if schema["type"] != "object" || schema["additionalProperties"] != false {
            faults.push(format!(
                "{}: an object that allows no other properties is wanted",
                tool.name
            ));
        }
        for word in ["anyOf", "oneOf", "allOf", "$defs", "$ref"] {
            if schema.get(word).is_some() {
                faults.push(format!("{}: {word} at the root", tool.name));
            }
        }
        walk(&schema, tool.name, &mut |path, part| {
            if part.contains_key("$ref") {
                faults.push(format!("{path}: a $ref where a plain schema serves"));
            }
            if part.get("type").is_some_and(Value::is_array) {
                faults.push(format!("{path}: a union of types"));
            }
            if let Some(properties) = part.get("properties").and_then(Value::as_object) {
                for (name, property) in properties {
                    let text = property
                        .get("description")
                        .and_then(Value::as_str)
                        .unwrap_or_default();
                    if text.trim().is_empty() {
                        faults.push(format!("{path}.{name}: no description"));
                    }
                }
            }
        });
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_schema_is_a_schema_of_an_object() {
    for tool in tools() {
        for schema in [&tool.input, &tool.output] {
            let schema = Value::Object((**schema).clone());
            assert_eq!(schema["type"], "object", "{}", tool.name);
            assert!(
                jsonschema::draft202012::meta::is_valid(&schema),
                "{}: no valid JSON Schema",
                tool.name
            );
            jsonschema::validator_for(&schema)
                .unwrap_or_else(|error| panic!("{}: {error}", tool.name));
        }
    }
}

#[test]
fn the_tools_leave_the_model_room_to_think() {
    let (mut inputs, mut outputs, mut table) = (0, 0, String::new());
    for mut sent in listed() {
        let output = sent.remove("outputSchema").unwrap();
        sent.remove("annotations");
        let name = sent["name"].as_str().unwrap().to_owned();
        let (input, output) = (
            tokens(&Value::Object(sent).to_string()),
            tokens(&output.to_string()),
        );
        table.push_str(&format!("{name}: {input} + {output}\n"));
        inputs += input;
        outputs += output;
    }
    println!(
        "{table}together: {inputs} of {INPUT_BUDGET}, output schemas {outputs} of {OUTPUT_BUDGET}"
    );
    assert!(
        inputs <= INPUT_BUDGET,
        "{inputs} tokens before a model, {INPUT_BUDGET} allowed:\n{table}"
    );
    assert!(
        outputs <= OUTPUT_BUDGET,
        "{outputs} tokens of output schemas, {OUTPUT_BUDGET} allowed:\n{table}"
    );
}

#[test]
fn the_default_forecast_is_a_short_text() {
    let answer = portfolio("demo", TODAY)
        .answer("get_forecast", nothing())
        .unwrap();
    let count = tokens(&answer.text);
    println!("{count} tokens:\n{}", answer.text);
    assert!(
        count <= FORECAST_TEXT_BUDGET,
        "{count} tokens, {FORECAST_TEXT_BUDGET} allowed:\n{}",
        answer.text
    );
}

#[test]
fn every_answer_keeps_to_its_contract() {
    let mut faults = Vec::new();
    let mut checked = 0;
    for tool in tools() {
        let validator = jsonschema::validator_for(&Value::Object((*tool.output).clone())).unwrap();
        for outcome in outcomes() {
            for (name, answered) in &outcome.answers {
                let Ok(answer) = answered else { continue };
                if name != tool.name {
                    continue;
                }
                checked += 1;
                for error in validator.iter_errors(&answer.structured) {
                    faults.push(format!(
                        "{}: {name} at {}: {error}",
                        outcome.case.name,
                        error.instance_path()
                    ));
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} of {checked} answers:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn every_text_is_for_reading() {
    for outcome in outcomes() {
        for (name, answered) in &outcome.answers {
            let Ok(answer) = answered else { continue };
            assert!(
                !answer.text.trim().is_empty(),
                "{}: {name} says nothing",
                outcome.case.name
            );
            let odd = answer.text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(
                odd, None,
                "{}: {name} says a control character",
                outcome.case.name
            );
        }
    }
}
