//! The document about the API (OpenAPI 3.1), made of the tools' own schemas and the table of paths, so
//! that it cannot say anything else than they do.

mod responses;

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use self::responses::{problem_schema, problems, responses};
use super::examples;
use super::paths::{Method, PATHS, Route};
use crate::registry::{self, Tool, tools};

/// The parts of a tool's contract, as components are named after them.
const ARGUMENTS: &str = "arguments";
const ANSWER: &str = "answer";

/// The document: of a server that every caller must bring a token to, or not.
pub async fn document(needs_token: bool) -> impl IntoResponse {
    static OPEN: LazyLock<String> = LazyLock::new(|| whole(&json!([{}, { "token": [] }])));
    static GUARDED: LazyLock<String> = LazyLock::new(|| whole(&json!([{ "token": [] }])));
    let document = if needs_token { &GUARDED } else { &OPEN };
    (
        [(header::CONTENT_TYPE, "application/json")],
        document.as_str(),
    )
}

fn whole(security: &Value) -> String {
    let mut schemas = Map::from_iter([("Problem".to_owned(), problem_schema())]);
    let mut paths: Map<String, Value> = Map::new();
    for tool in tools() {
        for (part, schema) in [(ARGUMENTS, &tool.input), (ANSWER, &tool.output)] {
            let name = format!("{}.{part}", tool.name);
            let schema = placed(Value::Object((**schema).clone()), &name);
            schemas.insert(name, schema);
        }
        paths.insert(
            format!("/api/tools/{}", tool.name),
            json!({ "post": by_name(tool) }),
        );
    }
    for route in PATHS {
        if let Ok(tool) = registry::find(route.tool) {
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            if let Value::Object(methods) = path {
                methods.insert(route.method.word().to_owned(), by_path(route, tool));
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Expansion Pipeline",
            "version": env!("CARGO_PKG_VERSION"),
            "description": env!("CARGO_PKG_DESCRIPTION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": problems(),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
        "security": security,
    })
    .to_string()
}

/// A schema as a component: what it refers to within itself is referred to from the document.
fn placed(mut schema: Value, name: &str) -> Value {
    fn move_references(value: &mut Value, name: &str) {
        match value {
            Value::Object(parts) => {
                for (key, part) in parts {
                    match part {
                        Value::String(text) if key == "$ref" => {
                            if let Some(rest) = text.strip_prefix("#/") {
                                *text = format!("#/components/schemas/{name}/{rest}");
                            }
                        }
                        part => move_references(part, name),
                    }
                }
            }
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| move_references(item, name)),
            _ => {}
        }
    }
    move_references(&mut schema, name);
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
    }
    schema
}

fn reference(tool: &Tool, part: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}.{part}", tool.name) })
}

fn by_name(tool: &Tool) -> Value {
    let mut operation = json!({
        "operationId": tool.name,
        "summary": tool.title,
        "description": tool.description,
        "tags": ["tools"],
        "requestBody": body(tool, reference(tool, ARGUMENTS), None),
        "responses": responses(None, &[tool]),
    });
    if !tool.is_read_only() {
        set(&mut operation, "parameters", json!([idempotency_key()]));
    }
    operation
}

fn by_path(route: &Route, tool: &Tool) -> Value {
    let mut parameters = Vec::new();
    if route.id.is_some() {
        parameters.push(json!({
            "name": "id", "in": "path", "required": true, "description": "The id of an opportunity",
            "schema": { "type": "string", "minLength": 1 }, "example": examples::ID,
        }));
    }
    let own = |name: &str| route.id != Some(name);
    let first = route
        .first
        .and_then(|first| registry::find(first.tool).ok());
    let answering: Vec<&Tool> = first.into_iter().chain([tool]).collect();
    let properties = tool.input.get("properties").and_then(Value::as_object);
    let mut operation = json!({
        "operationId": format!("{}_{}", route.method.word(), route.path.trim_start_matches("/api/").replace(['/', '-'], "_").replace(['{', '}'], "")),
        "summary": route.summary,
        "description": tool.description,
        "tags": ["pipeline"],
        "responses": responses(Some(route), &answering),
    });
    if route.method == Method::Get {
        let asked = properties
            .into_iter()
            .flatten()
            .filter(|(name, _)| own(name));
        parameters.extend(asked.filter_map(|(name, schema)| in_query(name, schema)));
        if route.id.is_some() {
            parameters.push(json!({
                "name": "If-None-Match", "in": "header", "schema": { "type": "string" },
                "description": "The ETag of what is known already",
            }));
        }
    } else {
        if matches!(route.method, Method::Put | Method::Patch) {
            parameters.push(json!({
                "name": "If-Match", "in": "header", "required": true,
                "schema": { "type": "string", "pattern": r#"^(\*|"[0-9]{1,9}")$"# }, "example": "*",
                "description": "The ETag of the opportunity as it was seen, or *",
            }));
        } else {
            parameters.push(idempotency_key());
        }
        let schema = match first {
            None => reference(tool, ARGUMENTS),
            Some(first) => {
                let of_first = first.input.get("properties").and_then(Value::as_object);
                let all = of_first.into_iter().chain(properties).flatten();
                let all: Map<String, Value> = all
                    .filter(|(name, _)| own(name))
                    .map(|(name, schema)| (name.clone(), schema.clone()))
                    .collect();
                json!({ "type": "object", "properties": all, "additionalProperties": false })
            }
        };
        set(&mut operation, "requestBody", body(tool, schema, route.id));
    }
    set(&mut operation, "parameters", parameters.into());
    operation
}

/// An argument in a query: a list is repeated, and what only JSON can say is left to the tools' paths.
fn in_query(name: &str, schema: &Value) -> Option<Value> {
    let kind = schema.get("type").and_then(Value::as_str);
    let of_objects = schema.pointer("/items/type").and_then(Value::as_str) == Some("object");
    if kind == Some("object") || of_objects {
        return None;
    }
    let mut schema = schema.clone();
    let description = schema
        .as_object_mut()
        .and_then(|schema| schema.remove("description"));
    Some(
        json!({ "name": name, "in": "query", "description": description, "schema": schema, "style": "form", "explode": true }),
    )
}

/// Arguments as a body, which may be left out when a tool needs none.
fn body(tool: &Tool, schema: Value, in_path: Option<&str>) -> Value {
    let mut content = json!({ "schema": schema });
    if let Some(example) = examples::of(tool.name, in_path) {
        set(&mut content, "example", example.into());
    }
    let needs_some = tool.input.contains_key("required");
    json!({ "required": needs_some, "content": { "application/json": content } })
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
        "description": "The same key again returns the first answer",
    })
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}
