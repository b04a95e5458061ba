//! Real processes of the built program on one database file: what happens when two of them write,
//! when one is killed, and when the file is not what it should be. A client here speaks the protocol
//! as it is, one JSON message a line, so nothing of the program's own code stands in between.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use expansion_pipeline::engine::{Answer, Error, Role};
use expansion_pipeline::refusal::Code;
use expansion_pipeline::registry;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{TODAY, answer, caller, engine, fixture, portfolio, program, reading};

/// Nothing here takes this long, even on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

/// A database that the program made from a fixture.
pub(super) struct Database {
    pub(super) folder: TempDir,
}

impl Database {
    pub(super) fn of(name: &str) -> Database {
        let database = Database::none();
        let imported = database.run(&["import", fixture(name).to_str().unwrap()]);
        assert!(imported.status.success(), "{}", words(&imported));
        database
    }

    /// A folder in which there is no database yet.
    pub(super) fn none() -> Database {
        Database {
            folder: TempDir::new().unwrap(),
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("pipeline.db")
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .arg("--db")
            .arg(self.path())
            .args(["--today", TODAY])
            .args(arguments);
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn serve(&self) -> Client {
        Client::start(self.command(&["serve"]))
    }

    /// The file read by somebody else than the program.
    pub(super) fn raw(&self) -> Connection {
        Connection::open_with_flags(self.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
    }

    /// The head of the log, after making sure that the positions up to it are all there, once each.
    pub(super) fn position(&self) -> u32 {
        let raw = self.raw();
        let mut statement = raw
            .prepare("SELECT seq FROM origin UNION ALL SELECT seq FROM change ORDER BY seq")
            .unwrap();
        let positions: Vec<u32> = statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let head: u32 = raw
            .query_row("SELECT position FROM head", [], |row| row.get(0))
            .unwrap();
        assert_eq!(
            positions,
            (1..=head).collect::<Vec<_>>(),
            "positions have gaps, or the head is not the last of them"
        );
        head
    }

    /// The ids of all deals in the raw log.
    pub(super) fn ids(&self) -> BTreeSet<String> {
        let raw = self.raw();
        let mut statement = raw
            .prepare("SELECT text FROM origin JOIN text ON text.org = origin.org AND number = id")
            .unwrap();
        statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    pub(super) fn is_sound(&self) {
        let verdict: String = self
            .raw()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(verdict, "ok");
    }
}

pub(super) fn words(output: &Output) -> String {
    format!(
        "{} {}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Asserts that a command was refused with a code, in words on standard error, and with exit code 3.
#[track_caller]
pub(super) fn refused(output: &Output, code: &str) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains(&format!("{code}:")),
        "expected {code}, got: {}",
        words(output)
    );
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        output.stdout.is_empty(),
        "a refusal does not go to standard output: {}",
        words(output)
    );
    said
}

/// A server of its own process, and a client that speaks to it.
struct Client {
    child: Child,
    requests: Option<ChildStdin>,
    answers: Receiver<Value>,
    next: u64,
}

impl Client {
    fn start(mut command: Command) -> Client {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (said, answers) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let message = serde_json::from_str(&line)
                    .unwrap_or_else(|_| panic!("no message of the protocol: {line}"));
                if said.send(message).is_err() {
                    return;
                }
            }
        });
        let requests = child.stdin.take();
        let mut client = Client {
            child,
            requests,
            answers,
            next: 0,
        };
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "a test", "version": "1" },
        });
        client.send("initialize", &hello);
        assert_eq!(client.answer()["result"]["protocolVersion"], "2025-11-25");
        client.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    fn write(&mut self, message: &Value) {
        // A server that was killed takes nothing more; whoever waits for its answer learns that.
        let _ = self
            .requests
            .as_mut()
            .unwrap()
            .write_all(format!("{message}\n").as_bytes());
    }

    fn send(&mut self, method: &str, params: &Value) {
        self.next += 1;
        let id = self.next;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
    }

    fn answer(&mut self) -> Value {
        self.answers
            .recv_timeout(PATIENCE)
            .expect("the server answers")
    }

    /// The structured answer, or the code of the refusal.
    fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        self.send(
            "tools/call",
            &json!({ "name": tool, "arguments": arguments }),
        );
        outcome(&self.answer())
    }

    fn create(&mut self, name: &str) -> Result<Value, String> {
        self.call("create_opportunity", new_deal(name))
    }

    /// Waits for the end of the process.
    fn end(mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not stop");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A test that fails leaves no server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn outcome(message: &Value) -> Result<Value, String> {
    let result = &message["result"];
    assert!(result.is_object(), "a failure of ours: {message}");
    match result["isError"].as_bool() {
        Some(true) => Err(result["_meta"]["expansion-pipeline/refusal"]["code"]
            .as_str()
            .unwrap()
            .to_owned()),
        _ => Ok(result["structuredContent"].clone()),
    }
}

fn new_deal(name: &str) -> Value {
    json!({
        "customer": "Writers Ltd", "new_customer": true, "name": name, "type": "upsell", "estimated_value": 1000,
        "expected_close": "2026-03-01",
    })
}

fn id(answer: &Value) -> String {
    answer["opportunity"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn two_servers_writing_at_once_lose_nothing() {
    const EACH: usize = 20;
    let database = Database::of("small/pipeline");
    let before = (database.position(), database.ids().len());
    let servers = [database.serve(), database.serve()];
    let writers: Vec<_> = servers
        .into_iter()
        .enumerate()
        .map(|(number, mut server)| {
            thread::spawn(move || {
                (0..EACH)
                    .map(|n| server.create(&format!("Deal {number}-{n}")).unwrap())
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let acknowledged: Vec<Vec<Value>> = writers
        .into_iter()
        .map(|writer| writer.join().unwrap())
        .collect();
    let ids: BTreeSet<String> = acknowledged.iter().flatten().map(id).collect();
    assert_eq!(ids.len(), 2 * EACH, "two writes were given one id");
    assert!(ids.is_subset(&database.ids()));
    assert_eq!(
        database.ids().len(),
        before.1 + 2 * EACH,
        "the customer both create is one, and no deal is there twice"
    );
    assert!(database.position() > before.0);
    for answers in &acknowledged {
        let positions: Vec<u64> = answers
            .iter()
            .map(|answer| answer["position"].as_u64().unwrap())
            .collect();
        assert!(
            positions.is_sorted_by(|one, next| one < next),
            "{positions:?}"
        );
    }
    database.is_sound();
    let total = database
        .serve()
        .call("list_opportunities", json!({ "customer": "Writers Ltd" }))
        .unwrap();
    assert_eq!(
        (&total["total"], &total["customers"]),
        (&json!(2 * EACH), &json!(1))
    );
}

#[test]
fn killing_a_server_in_the_middle_of_its_writes_loses_none_it_acknowledged() {
    let database = Database::of("small/pipeline");
    for (round, enough) in [1, 7, 23].into_iter().enumerate() {
        let mut server = database.serve();
        // All are sent at once, so that the server is in the middle of some when it dies.
        for number in 0..60 {
            server.send("tools/call", &json!({ "name": "create_opportunity", "arguments": new_deal(&format!("Deal {round}-{number}")) }));
        }
        let mut acknowledged: Vec<String> = (0..enough)
            .map(|_| id(&outcome(&server.answer()).unwrap()))
            .collect();
        server.child.kill().unwrap();
        // What it still said before it died counts as acknowledged, too.
        while let Ok(answer) = server.answers.recv_timeout(PATIENCE) {
            acknowledged.push(id(&outcome(&answer).unwrap()));
        }
        drop(server);
        let there = database.ids();
        for id in &acknowledged {
            assert!(there.contains(id), "{id} was acknowledged and is gone");
        }
        database.is_sound();
        database.position();
        let listed = database
            .serve()
            .call("list_opportunities", json!({ "stage": "all" }))
            .unwrap();
        assert_eq!(listed["total"], json!(there.len()));
    }
}

#[test]
fn what_one_process_writes_the_other_says_next() {
    let database = Database::of("small/pipeline");
    let (mut one, mut other) = (database.serve(), database.serve());
    let total = |client: &mut Client| {
        client.call("get_pipeline", json!({})).unwrap()["summary"]["total_opportunities"]
            .as_u64()
            .unwrap()
    };
    let before = total(&mut other);
    for number in 1..=5 {
        let id = id(&one.create(&format!("Deal {number}")).unwrap());
        assert_eq!(total(&mut other), before + number);
        let moved = other
            .call(
                "update_stage",
                json!({ "opportunity": id, "stage": "qualified" }),
            )
            .unwrap();
        assert_eq!(moved["before"]["stage"], "identified");
        let seen = one
            .call(
                "list_opportunities",
                json!({ "search": format!("deal {number}") }),
            )
            .unwrap();
        assert_eq!(seen["opportunities"][0]["stage"], "qualified");
    }
    let printed = database.run(&["call", "get_pipeline", "--format", "json"]);
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(printed["summary"]["total_opportunities"], json!(before + 5));
}

#[test]
fn an_answer_given_again_is_what_it_would_be_now() {
    let database = Database::of("demo");
    let (asked, writer) = (
        engine(&database.path(), TODAY),
        engine(&database.path(), TODAY),
    );
    let afresh = engine(&database.path(), TODAY).forgetful();
    let questions = registry::tools()
        .iter()
        .filter(|tool| tool.is_read_only() && tool.name != "explain")
        .map(|tool| {
            let include = json!({"opportunity": "OPP-1184", "include": ["history", "notes"]});
            let is_one = tool.name == "get_opportunity";
            (tool.name, if is_one { include } else { json!({}) })
        });
    let questions: Vec<_> = questions.collect();
    assert!(questions.len() >= 7);
    let mut before = None;
    for value in [61_000, 62_000, 63_000] {
        let change = json!({"opportunity": "OPP-1184", "estimated_value": value});
        answer(&writer, "update_opportunity", change).unwrap();
        let ask = |engine| -> Vec<Answer> {
            let each = questions.iter();
            each.map(|(tool, arguments)| answer(engine, tool, arguments.clone()).unwrap())
                .collect()
        };
        let at_once = |(tool, arguments): &(&str, Value)| {
            let tool = registry::find(tool).unwrap();
            asked.at_once(tool, arguments.as_object().unwrap(), &caller())
        };
        // What was given before the change holds no longer.
        assert!(questions.iter().all(|question| at_once(question).is_none()));
        let given = ask(&asked);
        assert_eq!(given, ask(&asked));
        let known: Vec<Answer> = questions.iter().filter_map(at_once).collect();
        assert!(known.len() + 1 >= given.len(), "all but the one with notes");
        assert!(known.iter().all(|answer| given.contains(answer)));
        assert_eq!(given, ask(&afresh));
        assert_ne!(before.replace(given.clone()), Some(given));
    }
}

#[test]
fn a_deal_that_another_process_moved_is_not_moved_unawares() {
    let database = Database::of("small/pipeline");
    let (mut one, mut other) = (database.serve(), database.serve());
    let id = id(&one.create("Fought over").unwrap());
    let move_to = |stage: &str, expected: &str| json!({ "opportunity": id, "stage": stage, "expected_stage": expected });
    other
        .call("update_stage", move_to("qualified", "identified"))
        .unwrap();
    let position = database.position();
    assert_eq!(
        one.call("update_stage", move_to("proposal", "identified")),
        Err("stage_changed".to_owned())
    );
    assert_eq!(database.position(), position);
    one.call("update_stage", move_to("proposal", "qualified"))
        .unwrap();
    // Of many who want the same move at once, one gets it.
    let clients: Vec<Client> = (0..3).map(|_| database.serve()).collect();
    let racers = clients.into_iter().map(|mut client| {
        let wanted = move_to("negotiation", "proposal");
        thread::spawn(move || client.call("update_stage", wanted).map(|_| ()))
    });
    let outcomes: Vec<_> = racers
        .collect::<Vec<_>>()
        .into_iter()
        .map(|racer| racer.join().unwrap())
        .collect();
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "{outcomes:?}"
    );
    assert!(
        outcomes
            .iter()
            .flat_map(|outcome| outcome.as_ref().err())
            .all(|code| code == "stage_changed")
    );
}

#[test]
fn without_a_database_tools_are_listed_and_calls_refused() {
    let database = Database::none();
    let said = refused(&database.run(&["call", "get_pipeline"]), "no_database");
    assert!(said.contains("import") && said.contains("--demo"), "{said}");
    assert!(database.run(&["call"]).status.success());
    let mut server = database.serve();
    server.send("tools/list", &json!({}));
    assert!(
        !server.answer()["result"]["tools"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        server.call("get_forecast", json!({})),
        Err("no_database".to_owned())
    );
    assert_eq!(server.create("Too early"), Err("no_database".to_owned()));
    assert!(!database.path().exists(), "only an import makes a database");
    // One that comes into being meanwhile is found.
    assert!(
        database
            .run(&["import", fixture("small/pipeline").to_str().unwrap()])
            .status
            .success()
    );
    server.call("get_forecast", json!({})).unwrap();
}

/// Makes a file.
type Make<'a> = &'a dyn Fn(&Path);

#[test]
fn a_file_that_is_no_database_of_ours_stays_as_it_is() {
    let text = |path: &Path| {
        fs::write(
            path,
            "Dear diary, today I learnt that not every file is a database. ".repeat(40),
        )
        .unwrap()
    };
    let short = |path: &Path| fs::write(path, "note").unwrap();
    // SQLite takes a file of a single byte for an empty one.
    let single = |path: &Path| fs::write(path, "x").unwrap();
    let foreign = |path: &Path| {
        Connection::open(path)
            .unwrap()
            .execute_batch("CREATE TABLE diary (day TEXT); INSERT INTO diary VALUES ('dear')")
            .unwrap();
    };
    let another = |path: &Path| {
        Connection::open(path)
            .unwrap()
            .execute_batch("PRAGMA application_id = 7; PRAGMA user_version = 1")
            .unwrap();
    };
    let makers: [(&str, Make); 5] = [
        ("a text", &text),
        ("one word", &short),
        ("one letter", &single),
        ("a diary", &foreign),
        ("another program's", &another),
    ];
    for (what, make) in makers {
        let database = Database::none();
        make(&database.path());
        let before = fs::read(database.path()).unwrap();
        let demo = fixture("small/pipeline");
        for arguments in [
            &["call", "get_pipeline"][..],
            &["import", demo.to_str().unwrap()],
            &["settings", "currency=EUR"],
            &["settings"],
        ] {
            let said = refused(&database.run(arguments), "not_a_database");
            assert!(said.contains(database.path().to_str().unwrap()), "{said}");
            assert_eq!(
                fs::read(database.path()).unwrap(),
                before,
                "{what} was changed by {arguments:?}"
            );
        }
        // Who asks over MCP learns nothing of where files lie.
        let mut server = database.serve();
        server.send(
            "tools/call",
            &json!({ "name": "get_pipeline", "arguments": {} }),
        );
        let answer = server.answer().to_string();
        assert!(answer.contains("not_a_database"), "{answer}");
        assert!(!answer.contains("pipeline.db"), "{answer}");
        drop(server);
        let left: Vec<_> = fs::read_dir(database.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(
            left,
            ["pipeline.db"],
            "{what}: something was left beside it"
        );
    }
}

#[test]
fn a_question_does_not_make_a_database_of_an_empty_file() {
    let database = Database::none();
    fs::write(database.path(), "").unwrap();
    let asked = database.run(&["call", "get_pipeline"]);
    assert_eq!(
        fs::read(database.path()).unwrap(),
        b"",
        "only an import makes a database"
    );
    refused(&asked, "no_database");
    assert!(
        database
            .run(&["import", fixture("small/pipeline").to_str().unwrap()])
            .status
            .success()
    );
    assert!(database.position() > 0);
}

#[test]
fn a_database_of_a_newer_version_stays_as_it_is() {
    let database = Database::of("small/pipeline");
    Connection::open(database.path())
        .unwrap()
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    let before = fs::read(database.path()).unwrap();
    for arguments in [
        &["call", "get_pipeline"][..],
        &["import", fixture("demo").to_str().unwrap()],
        &["settings", "currency=EUR"],
    ] {
        let said = refused(&database.run(arguments), "newer_database");
        assert!(said.contains("99"), "{said}");
        assert_eq!(
            fs::read(database.path()).unwrap(),
            before,
            "{arguments:?} changed it"
        );
    }
    assert_eq!(
        database.serve().create("From the past"),
        Err("newer_database".to_owned())
    );
}

#[test]
fn a_note_that_is_gone_is_not_shown_as_none() {
    let database = Database::of("demo");
    let raw = Connection::open(database.path()).unwrap();
    raw.execute_batch("DROP TRIGGER note_is_kept; DELETE FROM note;")
        .unwrap();
    drop(raw);
    let asked = |include: &[&str]| {
        let question = json!({"opportunity": "OPP-1184", "include": include});
        answer(
            &engine(&database.path(), TODAY),
            "get_opportunity",
            question,
        )
    };
    asked(&[]).unwrap();
    let refused = asked(&["notes"]).unwrap_err();
    assert_eq!(refused.code, Code::DamagedDatabase, "{refused}");
}

#[test]
fn a_damaged_database_is_refused() {
    let database = Database::of("demo");
    // The log goes into the file itself, so that there is one file to damage.
    Connection::open(database.path())
        .unwrap()
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let whole = fs::read(database.path()).unwrap();
    let page = 4_096;
    let mut overwritten = whole.clone();
    overwritten[page..].fill(0xAB);
    let mut a_part = whole.clone();
    let (from, to) = (
        whole.len() / 3 / page * page,
        whole.len() * 2 / 3 / page * page,
    );
    a_part[from..to].fill(0);
    let cut = whole[..whole.len() / 2 / page * page].to_vec();
    for (what, bytes) in [
        ("all but the first page", overwritten),
        ("the middle", a_part),
        ("the second half", cut),
    ] {
        fs::write(database.path(), bytes).unwrap();
        for arguments in [
            &["call", "get_pipeline"][..],
            &["import", fixture("small/pipeline").to_str().unwrap()],
        ] {
            let output = database.run(arguments);
            let said = refused(&output, "damaged_database");
            assert!(said.contains("backup"), "{what}: {said}");
        }
    }
}

/// Whether this test runs as root, for whom nothing is read-only.
#[cfg(unix)]
fn is_root(database: &Database) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(database.folder.path()).unwrap().uid() == 0
}

#[cfg(unix)]
#[test]
fn a_database_that_cannot_be_written_is_refused_and_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;

    let database = Database::of("small/pipeline");
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&database.path(), 0o444);
    mode(database.folder.path(), 0o555);
    let root = is_root(&database);
    // Nobody must be able to start the program, so it is put where everybody may go.
    let reachable = TempDir::new().unwrap();
    mode(reachable.path(), 0o755);
    let copied = reachable.path().join("program");
    fs::copy(env!("CARGO_BIN_EXE_expansion-pipeline"), &copied).unwrap();
    mode(&copied, 0o755);
    let command = |arguments: &[&str]| {
        let mut command = Command::new(&copied);
        command
            .env_clear()
            .arg("--db")
            .arg(database.path())
            .args(["--today", TODAY])
            .args(arguments);
        if root {
            command.uid(NOBODY);
        }
        command
    };
    let before = fs::read(database.path()).unwrap();
    let create = [
        "call",
        "create_opportunity",
        "--json",
        &new_deal("On stone").to_string(),
    ]
    .map(str::to_owned);
    let create: Vec<&str> = create.iter().map(String::as_str).collect();
    refused(&command(&create).output().unwrap(), "database_read_only");
    refused(
        &command(&["settings", "ranking_minimum=5"])
            .output()
            .unwrap(),
        "database_read_only",
    );
    refused(
        &command(&["import", fixture("small/pipeline").to_str().unwrap()])
            .output()
            .unwrap(),
        "database_read_only",
    );
    let mut server = Client::start(command(&["serve"]));
    assert_eq!(
        server.create("On stone"),
        Err("database_read_only".to_owned())
    );
    drop(server);
    // Questions are answered where they can be, and refused with the same code where not.
    let asked = command(&["call", "get_pipeline"]).output().unwrap();
    if !asked.status.success() {
        refused(&asked, "database_read_only");
    }
    // A backup that cannot read it does not blame the place of the copy.
    let aside = reachable.path().join("aside");
    fs::create_dir(&aside).unwrap();
    mode(&aside, 0o777);
    let copy = aside.join("copy.db");
    let backed_up = command(&["backup", copy.to_str().unwrap()])
        .output()
        .unwrap();
    if !backed_up.status.success() {
        refused(&backed_up, "database_read_only");
    }
    // A folder in which nothing may be made takes no new database either.
    let elsewhere = database.folder.path().join("new.db");
    let mut import = Command::new(&copied);
    import
        .env_clear()
        .arg("--db")
        .arg(&elsewhere)
        .args(["import", fixture("small/pipeline").to_str().unwrap()]);
    if root {
        import.uid(NOBODY);
    }
    refused(&import.output().unwrap(), "database_read_only");
    mode(database.folder.path(), 0o755);
    assert_eq!(fs::read(database.path()).unwrap(), before);
}

#[test]
fn a_database_that_another_holds_is_waited_for_and_then_refused() {
    let database = Database::of("small/pipeline");
    let mut server = database.serve();
    let before = server.call("get_pipeline", json!({})).unwrap();
    let holder = Connection::open(database.path()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    assert_eq!(server.create("Too late"), Err("database_locked".to_owned()));
    let waited = begun.elapsed();
    assert!(
        waited >= Duration::from_secs(3) && waited < PATIENCE,
        "it waits some seconds before it gives up: {waited:?}"
    );
    let position = server.call("get_pipeline", json!({})).unwrap()["basis"]["position"].clone();
    assert_eq!(
        position, before["basis"]["position"],
        "questions are answered meanwhile"
    );
    refused(
        &database.run(&["settings", "currency=EUR"]),
        "database_locked",
    );
    // One that is let go in time is waited for.
    server.send(
        "tools/call",
        &json!({ "name": "create_opportunity", "arguments": new_deal("In time") }),
    );
    thread::sleep(Duration::from_millis(300));
    holder.execute_batch("ROLLBACK").unwrap();
    let id = id(&outcome(&server.answer()).unwrap());
    assert!(database.ids().contains(&id));
    database.position();
}

#[test]
fn a_change_that_is_taken_back_while_it_waits_is_not_made() {
    let database = Database::of("small/pipeline");
    let mut server = database.serve();
    server.call("get_pipeline", json!({})).unwrap();
    let before = database.ids();
    let holder = Connection::open(database.path()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    server.send(
        "tools/call",
        &json!({ "name": "create_opportunity", "arguments": new_deal("Taken back") }),
    );
    thread::sleep(Duration::from_millis(300));
    let taken_back = json!({ "requestId": server.next });
    server.write(
        &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": taken_back }),
    );
    thread::sleep(Duration::from_millis(300));
    holder.execute_batch("ROLLBACK").unwrap();
    let kept = id(&server.create("Kept").unwrap());
    let after = database.ids();
    let added: Vec<&String> = after.difference(&before).collect();
    assert_eq!(added, [&kept]);

    let engine = portfolio("small/pipeline", TODAY);
    let tool = registry::find("create_opportunity").unwrap();
    let arguments = new_deal("Never").as_object().unwrap().clone();
    let refused = engine.call(tool, arguments, &caller().unless(|| true));
    let Err(Error::Refused(refusal)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refusal.code.name(), "cancelled");
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_refused_and_nothing_is_half_written() {
    let database = Database::of("small/pipeline");
    let before = (database.position(), database.ids());
    // A limit on the size of files stops a write as a full disk does. The unit of `ulimit -f` differs
    // between shells; both leave room for SQLite's index of its log and none for the import.
    let limited = |arguments: &[&str]| {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            r#"ulimit -f 80; trap "" XFSZ; exec "$0" "$@""#,
            env!("CARGO_BIN_EXE_expansion-pipeline"),
        ]);
        shell
            .arg("--db")
            .arg(database.path())
            .args(["--today", TODAY])
            .args(arguments);
        shell
    };
    refused(
        &limited(&["import", fixture("demo").to_str().unwrap()])
            .output()
            .unwrap(),
        "disk_full",
    );
    assert_eq!(
        (database.position(), database.ids()),
        before,
        "something of the import stayed"
    );
    database.is_sound();
    // A server writes until there is no room left; what it acknowledged is there, and it lives on.
    let mut server = Client::start(limited(&["serve"]));
    let mut acknowledged = Vec::new();
    let refusal = loop {
        assert!(acknowledged.len() < 500, "the limit is never met");
        match server.create(&format!(
            "Deal {} {}",
            acknowledged.len(),
            "long ".repeat(30)
        )) {
            Ok(answer) => acknowledged.push(id(&answer)),
            Err(code) => break code,
        }
    };
    assert_eq!(refusal, "disk_full");
    let listed = server
        .call("list_opportunities", json!({ "stage": "all" }))
        .unwrap();
    assert_eq!(listed["total"], json!(before.1.len() + acknowledged.len()));
    drop(server);
    let there = database.ids();
    assert!(acknowledged.iter().all(|id| there.contains(id)));
    assert_eq!(
        there.len(),
        before.1.len() + acknowledged.len(),
        "a refused write is there"
    );
    database.is_sound();
    assert!(database.position() >= before.0);
    // With room again, everything goes on.
    database.serve().create("Room again").unwrap();
}

#[test]
fn an_organisation_nobody_imported_is_refused_and_two_are_kept_apart() {
    let database = Database::of("small/pipeline");
    let said = refused(
        &database.run(&["--org", "nobody", "call", "get_pipeline"]),
        "unknown_organisation",
    );
    assert!(said.contains("default"), "{said}");
    let total = |org: &str| -> Value {
        let output = database.run(&["--org", org, "call", "get_pipeline", "--format", "json"]);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        json!([
            answer["summary"]["total_opportunities"],
            answer["summary"]["total_value"],
            answer["basis"]["position"],
            answer["basis"]["currency"]
        ])
    };
    let before = total("default");
    assert!(
        database
            .run(&["--org", "other", "settings", "currency=EUR"])
            .status
            .success()
    );
    assert!(
        database
            .run(&[
                "--org",
                "other",
                "import",
                fixture("small/forecast").to_str().unwrap()
            ])
            .status
            .success()
    );
    let (theirs, alone) = (total("other"), Database::of("small/forecast"));
    let output = alone.run(&["call", "get_pipeline", "--format", "json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(theirs[0], answer["summary"]["total_opportunities"]);
    assert_eq!(theirs[3], "EUR");
    assert_eq!(
        total("default"),
        before,
        "the other organisation's import is seen"
    );
    // Two servers of one file, each for its own organisation.
    let mut other = Client::start({
        let mut command = program();
        command
            .arg("--db")
            .arg(database.path())
            .args(["--today", TODAY, "--org", "other", "serve"]);
        command
    });
    let mut ours = database.serve();
    let id = id(&other.create("Theirs alone").unwrap());
    assert_eq!(
        ours.call(
            "update_stage",
            json!({ "opportunity": id, "stage": "qualified" })
        ),
        Err("unknown_name".to_owned())
    );
    assert_eq!(
        ours.call("list_opportunities", json!({ "customer": "Writers Ltd" })),
        Err("unknown_name".to_owned())
    );
    assert_eq!(total("default"), before);
    let known = database.run(&["--org", "nobody", "call", "get_pipeline"]);
    let known = refused(&known, "unknown_organisation");
    assert!(
        known.contains("default") && known.contains("other"),
        "{known}"
    );
}

#[test]
fn the_log_takes_nothing_back() {
    let database = Database::of("demo");
    assert!(
        database
            .run(&["settings", "currency=USD", "week_start=sunday"])
            .status
            .success()
    );
    let mut server = database.serve();
    let mut deal = new_deal("With a note");
    deal["notes"] = json!("a long text");
    server.call("create_opportunity", deal).unwrap();
    drop(server);
    let raw = Connection::open(database.path()).unwrap();
    raw.execute_batch("PRAGMA recursive_triggers = ON").unwrap();
    for table in ["text", "note", "entry", "origin", "change"] {
        let count = || {
            raw.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get::<_, i64>(0)
            })
            .unwrap()
        };
        let before = count();
        assert!(before > 0, "{table} is empty");
        for statement in [
            format!("UPDATE {table} SET org = org"),
            format!("DELETE FROM {table}"),
            format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1"),
            format!("REPLACE INTO {table} SELECT * FROM {table} LIMIT 1"),
        ] {
            let refused = raw
                .execute(&statement, [])
                .expect_err(&statement)
                .to_string();
            assert!(
                refused.contains("append-only") || refused.contains("UNIQUE"),
                "{statement}: {refused}"
            );
        }
        assert_eq!(count(), before);
    }
    database.is_sound();
}

#[test]
fn the_end_of_input_and_a_request_to_stop_end_the_server_with_all_on_disk() {
    let database = Database::of("small/pipeline");
    let mut server = database.serve();
    let written: Vec<String> = (0..3)
        .map(|number| id(&server.create(&format!("Deal {number}")).unwrap()))
        .collect();
    server.requests = None;
    assert_eq!(server.end().code(), Some(0), "the end of input");
    assert!(written.iter().all(|id| database.ids().contains(id)));

    // A server that nobody ever spoke to ends as well.
    let mut silent = database
        .command(&["serve"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(
        silent.wait().unwrap().code(),
        Some(0),
        "nothing was said at all"
    );

    #[cfg(unix)]
    {
        let mut server = database.serve();
        let written: Vec<String> = (0..3)
            .map(|number| id(&server.create(&format!("More {number}")).unwrap()))
            .collect();
        let process = server.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &process])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(server.end().code(), Some(0), "a request to stop");
        assert!(written.iter().all(|id| database.ids().contains(id)));
    }
    database.is_sound();
    database.position();
}

#[test]
fn a_file_of_the_first_schema_is_brought_up_to_date_and_answers_the_same() {
    let now = portfolio("demo", TODAY);
    let folder = TempDir::new().unwrap();
    let old = folder.path().join("old.db");
    // As the first version made it, with the rows that it would have written.
    let raw = Connection::open(&old).unwrap();
    raw.execute_batch(include_str!("../../src/store/migrations/0001_log.sql"))
        .unwrap();
    let application: i64 = Connection::open(now.database())
        .unwrap()
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .unwrap();
    raw.execute_batch(&format!(
        "PRAGMA application_id = {application}; PRAGMA user_version = 1; PRAGMA foreign_keys = OFF;"
    ))
    .unwrap();
    raw.execute("ATTACH ?1 AS now", [now.database().to_str().unwrap()])
        .unwrap();
    let names = |sql: &str| -> Vec<String> {
        let mut statement = raw.prepare(sql).unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    };
    let tables = names(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    );
    assert!(!tables.contains(&"token".to_owned()), "{tables:?}");
    for table in &tables {
        let columns = names(&format!(
            "SELECT name FROM pragma_table_info('{table}', 'main')"
        ))
        .join(", ");
        raw.execute_batch(&format!(
            "INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}"
        ))
        .unwrap();
    }
    drop(raw);

    // Who may not write does not bring it up to date either.
    let before = fs::read(&old).unwrap();
    let reader = reading(&old);
    let refused = answer(&reader, "get_pipeline", json!({})).unwrap_err();
    assert_eq!(refused.code, Code::OlderDatabase);
    assert!(
        refused.to_string().contains("schema version 1"),
        "{refused}"
    );
    assert_eq!(fs::read(&old).unwrap(), before);

    let migrated = engine(&old, TODAY);
    for (tool, question) in [
        (
            "get_pipeline",
            json!({"include": ["opportunities", "metrics"]}),
        ),
        ("get_forecast", json!({"period": "Q1"})),
        (
            "get_forecast",
            json!({"period": "Q1", "as_of": "2026-01-15"}),
        ),
        ("list_opportunities", json!({"stage": "all", "limit": 200})),
        ("win_rate", json!({"by": "csm"})),
        ("get_analytics", json!({"dimension": "source"})),
        ("get_changes", json!({"period": "this month"})),
        (
            "get_opportunity",
            json!({"opportunity": "OPP-1159", "include": ["history", "notes", "signals"]}),
        ),
    ] {
        let before = now.answer(tool, question.clone()).unwrap();
        let after = answer(&migrated, tool, question).unwrap();
        assert_eq!(before, after, "{tool}");
    }
    let edit = json!({"opportunity": "OPP-1159", "estimated_value": 91_000});
    answer(&migrated, "update_opportunity", edit).unwrap();
    migrated.make_token("Ann", Role::Viewer, None).unwrap();
    let version = |file: &Path| -> i64 {
        let raw = Connection::open(file).unwrap();
        raw.query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(version(&old), version(&now.database()));
    assert!(version(&old) > 1);
    let reader = answer(&reading(&old), "get_pipeline", json!({}));
    assert_eq!(
        reader.unwrap(),
        answer(&migrated, "get_pipeline", json!({})).unwrap()
    );
    for finding in migrated.check().unwrap() {
        assert_eq!(finding.faults, [] as [String; 0], "{}", finding.about);
    }
}
