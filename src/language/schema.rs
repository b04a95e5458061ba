//! JSON Schemas as the tools publish them: small, self-contained, and without what trips clients
//! (number formats they do not know, null unions in inputs, references where none are needed).

use schemars::JsonSchema;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value};

/// The schema of a tool's arguments.
pub fn input<T: JsonSchema>() -> Map<String, Value> {
    let mut schema = generate::<T>(true);
    tidy(&mut schema, true);
    let mut schema = into_map(schema);
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    schema
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    schema
}

/// The schema of a tool's answer.
pub fn output<T: JsonSchema>() -> Map<String, Value> {
    let mut schema = generate::<T>(false);
    tidy(&mut schema, false);
    if let Some(Value::Object(parts)) = schema.get_mut("$defs") {
        // What a part is, its name and its fields say.
        parts
            .values_mut()
            .filter_map(Value::as_object_mut)
            .for_each(|part| drop(part.remove("description")));
    }
    into_map(schema)
}

fn generate<T: JsonSchema>(is_input: bool) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        // What is always written is required, be it null; what may be left out is not.
        settings.contract = if is_input {
            Contract::Deserialize
        } else {
            Contract::Serialize
        };
        settings.inline_subschemas = is_input;
        settings.meta_schema = None;
    });
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

fn into_map(schema: Value) -> Map<String, Value> {
    match schema {
        Value::Object(mut map) => {
            map.remove("title");
            map.remove("description");
            map
        }
        _ => Map::new(),
    }
}

fn tidy(schema: &mut Value, is_input: bool) {
    match schema {
        Value::Object(map) => {
            map.remove("format");
            if !is_input {
                map.remove("minimum");
                map.remove("default");
            } else if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            let required = map.get("required").cloned();
            let is_required = |name: &String| {
                required
                    .as_ref()
                    .and_then(Value::as_array)
                    .is_some_and(|names| names.iter().any(|known| known == name))
            };
            for (key, value) in map.iter_mut() {
                // The names under `properties` are ours: a field may be called "format" or "default".
                match value
                    .as_object_mut()
                    .filter(|_| key == "properties" || key == "$defs")
                {
                    Some(named) => {
                        for (name, value) in named.iter_mut() {
                            tidy(value, is_input);
                            // What is left out when there is none is never null.
                            if key == "properties" && !is_required(name) {
                                without_null(value);
                            }
                        }
                    }
                    None => tidy(value, is_input),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| tidy(item, is_input)),
        _ => {}
    }
}

/// The same schema without the `null` that an option puts last among what it allows; one that stands
/// first is meant (`figures::Chosen`).
fn without_null(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(types)) = map.get("type") {
        let only = types
            .iter()
            .find(|_| types.first().is_some_and(|kind| kind != "null"));
        let only = only.cloned();
        only.map(|only| map.insert("type".to_owned(), only));
    }
    let is_null = |choice: &Value| choice.get("type").is_some_and(|kind| kind == "null");
    if let Some(Value::Array(choices)) = map.get("anyOf")
        && let [choice, null] = choices.as_slice()
        && is_null(null)
        && let Some(choice) = choice.as_object().cloned()
    {
        map.remove("anyOf");
        map.extend(choice);
    }
}

/// The names of a schema's properties.
pub fn properties(schema: &Map<String, Value>) -> Vec<String> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|map| map.keys().cloned().collect())
        .unwrap_or_default()
}
