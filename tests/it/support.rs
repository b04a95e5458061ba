//! What every module of this test binary needs: a fixture imported into a database of its own and
//! asked on a day of the test's choosing, the built program, and the words for where things are.
//! No expectation lives here. Nothing reads the wall clock: a test says which day it is.

use std::io::{BufRead as _, BufReader};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use chrono::NaiveDate;
use expansion_pipeline::engine::{Answer, Caller, Config, Door, Engine, Error, Imported};
use expansion_pipeline::files;
use expansion_pipeline::refusal::Refusal;
use expansion_pipeline::registry;
use serde_json::{Map, Value};
use tempfile::TempDir;

/// The day that most fixtures are about (fixtures/README.md): a Thursday.
pub const TODAY: &str = "2026-01-29";

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of `fixtures`, such as "small/forecast".
pub fn fixture(name: &str) -> PathBuf {
    root().join("fixtures").join(name)
}

/// A date written as 2026-01-29.
pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap_or_else(|_| panic!("{text} is no date"))
}

/// The built program, without anything of the environment that could steer it.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_expansion-pipeline"));
    for name in [
        "EXPANSION_DB",
        "EXPANSION_ORG",
        "EXPANSION_TODAY",
        "EXPANSION_ACTOR",
        "EXPANSION_LOG",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ] {
        command.env_remove(name);
    }
    command
}

/// Who asks in tests.
pub fn caller() -> Caller {
    Caller::new("tester", Door::Cli)
}

/// An engine over a database of its own, which is removed when this is dropped.
pub struct Portfolio {
    engine: Engine,
    folder: TempDir,
}

impl Deref for Portfolio {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

/// Imports a folder of `fixtures` on a day, with the default settings.
pub fn portfolio(name: &str, today: &str) -> Portfolio {
    portfolio_with(name, today, &[])
}

/// Imports a folder of `fixtures` on a day, for an organisation with these settings.
pub fn portfolio_with(name: &str, today: &str, settings: &[(String, String)]) -> Portfolio {
    let portfolio = empty(today);
    if !settings.is_empty() {
        portfolio
            .change_settings(settings.to_vec(), &caller())
            .unwrap_or_else(|error| panic!("settings: {error:?}"));
    }
    let imported = portfolio.import_folder(name);
    assert!(
        imported.written,
        "{name} was not imported: {:#?}",
        imported.rejections
    );
    portfolio
}

/// A database with nothing in it; it comes into being with the first write.
pub fn empty(today: &str) -> Portfolio {
    let folder = TempDir::new().unwrap();
    let engine = engine(&folder.path().join("pipeline.db"), today);
    Portfolio { engine, folder }
}

/// An engine over a file, on a day.
pub fn engine(database: &Path, today: &str) -> Engine {
    Engine::new(config(database, today))
}

/// An engine over a file that only answers questions.
pub fn reading(database: &Path) -> Engine {
    Engine::new(Config {
        read_only: true,
        ..config(database, TODAY)
    })
}

fn config(database: &Path, today: &str) -> Config {
    Config {
        database: Some(database.to_owned()),
        organisation: "default".to_owned(),
        today: Some(date(today)),
        read_only: false,
    }
}

impl Portfolio {
    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("pipeline.db")
    }

    /// The same database on another day.
    #[must_use]
    pub fn on(self, today: &str) -> Portfolio {
        let engine = engine(&self.database(), today);
        Portfolio {
            engine,
            folder: self.folder,
        }
    }

    /// Imports a folder of `fixtures`; whether it was written is for the caller to look at.
    pub fn import_folder(&self, name: &str) -> Imported {
        let sources =
            files::sources(&[fixture(name)]).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        self.import(sources, None, &caller())
            .unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }

    /// Calls a tool by its name.
    pub fn answer(&self, tool: &str, arguments: Value) -> Result<Answer, Refusal> {
        answer(&self.engine, tool, arguments)
    }

    /// The structured answer of a tool, or the code it is refused with.
    pub fn ask(&self, tool: &str, arguments: Value) -> Result<Value, &'static str> {
        match self.answer(tool, arguments) {
            Ok(answer) => Ok(answer.structured),
            Err(refusal) => Err(refusal.code.name()),
        }
    }
}

/// Calls a tool of any engine by its name; a failure of ours fails the test.
pub fn answer(engine: &Engine, tool: &str, arguments: Value) -> Result<Answer, Refusal> {
    answer_to(engine, tool, arguments, &caller())
}

/// The answer to a caller.
pub fn answer_to(
    engine: &Engine,
    tool: &str,
    arguments: Value,
    caller: &Caller,
) -> Result<Answer, Refusal> {
    let tool = registry::find(tool)?;
    let Value::Object(arguments) = arguments else {
        panic!("the arguments of {} are no object", tool.name)
    };
    match engine.call(tool, arguments, caller) {
        Ok(answer) => Ok(answer),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(Error::Ours(error)) => panic!("{}: {error:#}", tool.name),
    }
}

/// No arguments at all.
pub fn nothing() -> Value {
    Value::Object(Map::new())
}

/// Where an answer differs from what is expected of it, one line for each place: `path: expected …
/// got …`. Adds none when all of `expected` is found in `found`.
///
/// An object is asked for the keys given only. An array must have the same length, in the same
/// order, unless its key ends in `~contains`: then each item given must be found in some item of the
/// array named without that ending (a text in a longer one). A key that ends in `~absent` must not be
/// there. The text under a key that ends in `~says` must occur in the text found, and one under
/// `~silent` must not.
pub fn differences(expected: &Value, found: &Value, path: &str, lines: &mut Vec<String>) {
    let shown = |value: &Value| {
        let text = value.to_string();
        if text.chars().count() > 400 {
            format!("{} …", text.chars().take(400).collect::<String>())
        } else {
            text
        }
    };
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, expected) in expected {
                let below = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                if let Some(key) = key.strip_suffix("~contains") {
                    let items = found
                        .get(key)
                        .and_then(Value::as_array)
                        .map(Vec::as_slice)
                        .unwrap_or_default();
                    for wanted in expected
                        .as_array()
                        .unwrap_or_else(|| panic!("{below} is no array"))
                    {
                        let fits = |item: &&Value| {
                            let mut different = Vec::new();
                            differences(wanted, item, "", &mut different);
                            let says =
                                |text: &str| item.as_str().is_some_and(|item| item.contains(text));
                            different.is_empty() || wanted.as_str().is_some_and(says)
                        };
                        if !items.iter().any(|item| fits(&item)) {
                            let all = Value::Array(items.to_vec());
                            lines.push(format!(
                                "{below}: no item is {}\n      in {}",
                                shown(wanted),
                                shown(&all)
                            ));
                        }
                    }
                } else if let Some(key) = key.strip_suffix("~absent") {
                    if let Some(found) = found.get(key) {
                        lines.push(format!(
                            "{below}: expected not to be there\n      got {}",
                            shown(found)
                        ));
                    }
                } else if let Some(key) = key.strip_suffix("~says") {
                    let text = found.get(key).map(as_text).unwrap_or_default();
                    let wanted = as_text(expected);
                    if !text.contains(&wanted) {
                        lines.push(format!("{below}: expected \"{wanted}\"\n      in {text}"));
                    }
                } else if let Some(key) = key.strip_suffix("~silent") {
                    let text = found.get(key).map(as_text).unwrap_or_default();
                    let unwanted = as_text(expected);
                    if text.contains(&unwanted) {
                        lines.push(format!(
                            "{below}: \"{unwanted}\" must not stand\n      in {text}"
                        ));
                    }
                } else if let Some(found) = found.get(key) {
                    differences(expected, found, &below, lines);
                } else {
                    lines.push(format!(
                        "{below}: expected {}\n      but it is not there",
                        shown(expected)
                    ));
                }
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (place, (expected, found)) in expected.iter().zip(found).enumerate() {
                differences(expected, found, &format!("{path}[{place}]"), lines);
            }
        }
        (Value::Number(expected), Value::Number(found)) if expected.as_f64() == found.as_f64() => {}
        _ if expected == found => {}
        _ => lines.push(format!(
            "{path}: expected {}\n      got      {}",
            shown(expected),
            shown(found)
        )),
    }
}

/// A text as it stands, and anything else as JSON.
fn as_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The built program serving over HTTP at an address of its own, until it is dropped.
pub struct Served {
    child: Child,
    /// Where, as `http://127.0.0.1:PORT`.
    pub url: String,
    /// What it has said since.
    pub said: Arc<Mutex<String>>,
}

impl Served {
    /// Starts it with arguments before and after `serve --http`, and waits until it listens.
    pub fn start(before: &[&str], after: &[&str]) -> Served {
        let mut command = program();
        command
            .args(before)
            .args(["serve", "--http", "127.0.0.1:0"]);
        let mut child = command
            .args(after)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listens = |line: &String| line.starts_with("Listening on");
        let line = lines.by_ref().map_while(Result::ok).find(listens);
        let line = line.expect("it says where it listens");
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        let url = url.unwrap_or_else(|| panic!("no address in: {line}"));
        let url = url.trim_end_matches(',').to_owned();
        // Whatever else it says is read, so that it never waits for a reader.
        let said = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Served { child, url, said }
    }

    /// Asks it to stop, and says how it ended.
    #[cfg(unix)]
    pub fn stop(mut self) -> std::process::ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
