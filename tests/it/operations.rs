//! What an operator does with a database as a whole, with real processes of the built program: export,
//! log, backup and check; what each refuses; and what check finds in databases that are really damaged.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::processes::{Database, refused, words};
use super::support::{fixture, program};

/// Nothing here takes this long, even on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", words(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A database with an import, a won deal, a target, and an undo on top.
fn lived() -> Database {
    let database = Database::of("demo");
    let call = |arguments: &[&str]| done(&database.run(arguments));
    call(&[
        "--actor",
        "Ava",
        "call",
        "update_stage",
        "opportunity=OPP-1184",
        "stage=closed_won",
        "closed_value=85k",
        "reason=signed\tat last",
    ]);
    call(&[
        "--actor",
        "Ava",
        "call",
        "set_target",
        "period=2026-11",
        "amount=900k",
    ]);
    let won = position_of(&database, "closed_won\tsigned at last");
    call(&[
        "--actor",
        "Ben",
        "call",
        "undo_change",
        &format!("change={won}"),
        "reason=too early",
    ]);
    database
}

/// The position of the line of the log that holds these words.
fn position_of(database: &Database, end: &str) -> String {
    let log = done(&database.run(&["log"]));
    let line = log.lines().find(|line| line.contains(end));
    let line = line.unwrap_or_else(|| panic!("no line holds {end}"));
    line.split('\t').next().unwrap().to_owned()
}

fn path(folder: &Path, name: &str) -> (PathBuf, String) {
    let path = folder.join(name);
    let words = path.to_str().unwrap().to_owned();
    (path, words)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn an_export_holds_every_file_and_makes_the_same_log_again() {
    let database = lived();
    let (out, words) = path(database.folder.path(), "out");
    let said = done(&database.run(&["export", &words]));
    let expected = [
        "customers.csv",
        "field_history.csv",
        "forecasts.csv",
        "log.csv",
        "opportunities.csv",
        "people.csv",
        "rates.csv",
        "settings.csv",
        "signals.csv",
        "stage_history.csv",
        "targets.csv",
    ];
    assert!(
        names(&out).iter().map(String::as_str).eq(expected),
        "{:?}",
        names(&out)
    );
    for name in expected {
        assert!(said.contains(&format!("{name}: ")), "{said}");
    }
    assert!(said.contains("opportunities.csv: 185 rows\n"), "{said}");

    let again = Database::none();
    let said = done(&again.run(&["import", &words]));
    assert!(said.contains("opportunities: 185 new"), "{said}");
    assert!(
        said.contains("positions in 4 entries, with both clocks"),
        "{said}"
    );
    // What an import of the other files tells apart, a log does not.
    assert!(!said.contains("history:"), "{said}");
    assert!(
        said.contains("the other files, so they were not read")
            || said.contains("they were not read"),
        "{said}"
    );
    assert_eq!(again.position(), database.position());
    assert_eq!(done(&again.run(&["log"])), done(&database.run(&["log"])));
    let ask = |database: &Database, as_of: &str| {
        done(&database.run(&["call", "get_pipeline", as_of, "--format", "json"]))
    };
    for as_of in [
        "as_of=@2059",
        "as_of=@2061",
        "as_of=2026-01-01",
        "known_at=2026-01-28",
    ] {
        assert_eq!(ask(&again, as_of), ask(&database, as_of), "{as_of}");
    }
    done(&again.run(&["check"]));

    // The plain files alone say how things stand; what they cannot say, they do not pretend to.
    fs::remove_file(out.join("log.csv")).unwrap();
    let plain = Database::none();
    done(&plain.run(&["import", &words]));
    assert_eq!(plain.ids(), database.ids());
    let one = |database: &Database| {
        let shown = done(&database.run(&["call", "list_opportunities", "stage=all", "limit=5"]));
        shown.lines().next().unwrap().to_owned()
    };
    assert_eq!(one(&plain), one(&database));
}

#[test]
fn a_log_is_counted_as_the_files_were_that_it_came_from() {
    for (name, counted) in [
        ("small/rates", "rates: 3 new, 0 changed, 0 unchanged\n"),
        ("small/signals", "signals: 4 new, 0 changed, 0 unchanged\n"),
    ] {
        let files = Database::none();
        let imported = done(&files.run(&["import", fixture(name).to_str().unwrap()]));
        let (_, out) = path(files.folder.path(), "out");
        done(&files.run(&["export", &out]));
        let again = done(&Database::none().run(&["import", &out]));
        for said in [imported, again] {
            assert!(said.contains(counted), "{said}");
        }
    }
}

#[test]
fn an_export_goes_into_a_new_or_empty_folder_and_nowhere_else() {
    let database = Database::of("small/pipeline");
    let folder = database.folder.path();
    let (full, full_words) = path(folder, "full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("mine.txt"), "precious").unwrap();
    let (file, file_words) = path(folder, "file");
    fs::write(&file, "precious").unwrap();
    for (place, says) in [(&full_words, "is not empty"), (&file_words, "is no folder")] {
        let said = refused(&database.run(&["export", place]), "not_empty");
        assert!(said.contains(says), "{said}");
    }
    assert_eq!(
        fs::read_to_string(full.join("mine.txt")).unwrap(),
        "precious"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    let (below, below_words) = path(&file, "below");
    refused(
        &database.run(&["export", &below_words]),
        "file_not_writable",
    );
    assert!(!below.exists());
    let nothing = Database::none();
    let (never, never_words) = path(nothing.folder.path(), "never");
    refused(&nothing.run(&["export", &never_words]), "no_database");
    assert!(!never.exists());

    let (empty, empty_words) = path(folder, "empty");
    fs::create_dir(&empty).unwrap();
    done(&database.run(&["export", &format!("{empty_words}/")]));
    assert!(empty.join("log.csv").exists());
    let (deep, deep_words) = path(folder, "new/deeper");
    done(&database.run(&["export", &deep_words]));
    assert!(deep.join("log.csv").exists());
    // A relative name is one, too, and nothing is left beside what was written.
    done(
        &database
            .command(&["export", "here"])
            .current_dir(folder)
            .output()
            .unwrap(),
    );
    let partial = names(folder)
        .into_iter()
        .filter(|name| name.contains("partial"));
    assert_eq!(partial.count(), 0);
    assert!(folder.join("here").join("log.csv").exists());
}

#[cfg(unix)]
#[test]
fn an_empty_folder_that_is_there_is_written_into_and_stays_what_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let database = Database::of("small/pipeline");
    let folder = database.folder.path();
    let (own, own_words) = path(folder, "own");
    fs::create_dir(&own).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
    // A process that was killed left this behind; it is nothing that anybody put there.
    fs::create_dir(own.join(".partial-1")).unwrap();
    let (link, link_words) = path(folder, "link");
    let (real, _) = path(folder, "real");
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    for (place, words) in [(&own, &own_words), (&link, &link_words)] {
        done(&database.run(&["export", words]));
        assert!(place.join("log.csv").exists() && place.join("signals.csv").exists());
        refused(&database.run(&["export", words]), "not_empty");
    }
    assert_eq!(
        fs::metadata(&own).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert!(real.join("log.csv").exists());
    assert_eq!(
        names(&real)
            .iter()
            .filter(|name| name.contains("partial"))
            .count(),
        0
    );
}

#[cfg(unix)]
#[test]
fn what_a_killed_export_left_does_not_keep_a_process_of_its_number_from_exporting() {
    let database = Database::of("small/pipeline");
    let (out, words) = path(database.folder.path(), "out");
    // The shell becomes the program, so its number is the program's.
    let output = Command::new("sh")
        .args([
            "-c",
            r#"mkdir "$2/.out.partial-$$" && echo half > "$2/.out.partial-$$/log.csv"; exec "$0" --db "$1" export "$3""#,
        ])
        .arg(env!("CARGO_BIN_EXE_expansion-pipeline"))
        .arg(database.path())
        .arg(database.folder.path())
        .arg(&words)
        .output()
        .unwrap();
    done(&output);
    assert!(out.join("log.csv").exists());
    assert!(
        names(database.folder.path())
            .iter()
            .all(|name| !name.contains("partial"))
    );
}

#[cfg(unix)]
#[test]
fn an_export_that_fails_leaves_nothing_behind() {
    let database = Database::of("demo");
    let (out, words) = path(database.folder.path(), "out");
    // A limit on the size of files stops a write as a full disk does.
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"ulimit -f 80; trap "" XFSZ; exec "$0" "$@""#]);
    shell.arg(env!("CARGO_BIN_EXE_expansion-pipeline"));
    shell
        .arg("--db")
        .arg(database.path())
        .arg("export")
        .arg(&words);
    let output = shell.output().unwrap();
    refused(&output, "disk_full");
    assert!(!out.exists());
    assert!(
        names(database.folder.path())
            .iter()
            .all(|name| !name.contains("partial"))
    );
}

#[test]
fn a_log_goes_into_an_empty_database_only_and_whole_or_not_at_all() {
    let database = Database::of("small/pipeline");
    let (out, words) = path(database.folder.path(), "out");
    done(&database.run(&["export", &words]));
    let before = database.position();
    let said = refused(&database.run(&["import", &words]), "not_empty");
    assert!(
        said.contains(&format!("ends at position {before}")),
        "{said}"
    );
    assert_eq!(database.position(), before);
    // Another organisation of the file is empty.
    done(&database.run(&["--org", "other", "import", &words]));
    let log = fs::read_to_string(out.join("log.csv")).unwrap();
    let cases: [(&str, String, &str); 7] = [
        (
            "a gap",
            without(&log, "\n7,"),
            "position 7 is missing before position 8",
        ),
        ("cut off", log[..log.len() / 2].to_owned(), "line "),
        (
            "another kind",
            log.replacen(",person,", ",robot,", 1),
            "\"robot\" is not what a row may be",
        ),
        (
            "other columns",
            log.replacen("position,", "seq,", 1),
            "line 1: the first line is not position,what",
        ),
        (
            "line ends converted",
            log.replace('\n', "\r\n"),
            "take the file of the export itself",
        ),
        (
            "a changed byte",
            log.replacen("API volume", "API column", 1),
            "is not as export wrote it",
        ),
        (
            "no instant",
            log.replacen("T", "t-", 1)
                .replacen(",entry,,,2", ",entry,,,x", 1),
            "is not an instant",
        ),
    ];
    for (what, text, says) in cases {
        fs::write(out.join("log.csv"), text).unwrap();
        for arguments in [
            &["import", &words][..],
            &["import", "--skip-bad-rows", &words],
        ] {
            let none = Database::none();
            let said = refused(&none.run(arguments), "damaged_log");
            assert!(
                said.contains("log.csv, line ") && said.contains(says),
                "{what}: {said}"
            );
            assert!(!none.path().exists(), "{what} made a database");
        }
    }
    fs::copy(
        fixture("small/pipeline").join("opportunities.csv"),
        out.join("log-2.csv"),
    )
    .unwrap();
    let said = refused(&Database::none().run(&["import", &words]), "damaged_log");
    assert!(said.contains("is a second log"), "{said}");
}

#[test]
fn a_backup_that_check_would_find_fault_with_is_none() {
    let database = lived();
    let (copy, words) = path(database.folder.path(), "copy.db");
    for sql in [
        "UPDATE change SET value = 9 WHERE seq = 2059",
        "DELETE FROM entry WHERE first = (SELECT max(first) FROM entry)",
    ] {
        let database = damaged(&database, sql);
        refused(&database.run(&["backup", &words]), "damaged_database");
        assert!(!copy.exists(), "{sql}");
    }
}

/// A text without the line after the first place where something stands.
fn without(text: &str, start: &str) -> String {
    let from = text.find(start).unwrap() + 1;
    let to = from + text[from..].find('\n').unwrap() + 1;
    format!("{}{}", &text[..from], &text[to..])
}

#[test]
fn the_log_says_what_changed_from_what_to_what_by_whom_and_why() {
    let database = lived();
    let won = position_of(&database, "closed_won\tsigned at last");
    let since: u32 = won.parse::<u32>().unwrap() - 1;
    let lines = done(&database.run(&["log", "--since", &since.to_string()]));
    let now = "2026-01-29T12:00:00Z";
    let line = |nth: u32, who: &str, about: &str, why: &str| {
        format!(
            "{}\t{now}\t{now}\t{who}\tcli\t{about}\t{why}\tadmin\t\t\n",
            since + nth
        )
    };
    let expected = [
        line(
            1,
            "Ava",
            "opportunity\tOPP-1184\tstage\tqualified\tclosed_won",
            "signed at last",
        ),
        line(
            2,
            "Ava",
            "opportunity\tOPP-1184\tactual_close\t\t2026-01-29",
            "signed at last",
        ),
        line(
            3,
            "Ava",
            "opportunity\tOPP-1184\tclosed_value\t\t$85,000",
            "signed at last",
        ),
        line(4, "Ava", "target\t2026-11\tvalue\t\t$900,000", ""),
        line(
            5,
            "Ben",
            &format!("opportunity\tOPP-1184\tundo\t\tposition {}", since + 1),
            "too early",
        ),
        line(
            6,
            "Ben",
            &format!("opportunity\tOPP-1184\tundo\t\tposition {}", since + 2),
            "too early",
        ),
        line(
            7,
            "Ben",
            &format!("opportunity\tOPP-1184\tundo\t\tposition {}", since + 3),
            "too early",
        ),
    ];
    assert_eq!(lines, expected.concat());

    let json = done(&database.run(&["log", "--since", &since.to_string(), "--json"]));
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(
        first,
        json!({
            "position": since + 1, "recorded_at": now, "at": now, "actor": "Ava", "through": "cli", "what": "opportunity",
            "id": "OPP-1184", "field": "stage", "from": "qualified", "to": "closed_won", "reason": "signed at last",
            "role": "admin", "client": null, "trace": null,
        })
    );
    // The whole log: every position once, in order, fourteen cells each.
    let all = done(&database.run(&["log"]));
    let positions = all.lines().map(|line| {
        assert_eq!(line.split('\t').count(), 14, "{line}");
        line.split('\t').next().unwrap().parse::<u32>().unwrap()
    });
    assert!(positions.eq(1..=database.position()));
    // What holds from the beginning has no instant.
    assert!(
        all.starts_with(&format!("1\t{now}\t\t")),
        "{}",
        all.lines().next().unwrap()
    );
    let end = database.position();
    assert_eq!(
        done(&database.run(&["log", "--since", &end.to_string()])),
        ""
    );
    let beyond = database.run(&["log", "--since", &(end + 1).to_string()]);
    assert!(refused(&beyond, "invalid_argument").contains(&format!("ends at position {end}")));
}

#[test]
fn a_log_that_nobody_reads_to_its_end_is_no_failure() {
    let database = Database::of("demo");
    let mut log = database
        .command(&["log"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 10];
    log.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let output = log.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", words(&output));
}

#[cfg(unix)]
#[test]
fn following_sees_what_others_write_until_it_is_told_to_stop_or_nobody_reads() {
    let database = Database::of("small/pipeline");
    let end = database.position();
    let follow = || {
        database
            .command(&["log", "--follow", "--since", &end.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut following = follow();
    let (send, lines) = channel();
    let out = following.stdout.take().unwrap();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    for amount in ["100k", "200k"] {
        done(&database.run(&[
            "call",
            "set_target",
            "period=2026-11",
            &format!("amount={amount}"),
        ]));
        let line = lines.recv_timeout(PATIENCE).unwrap();
        assert!(
            line.contains(&format!("${},000", amount.trim_end_matches('k'))),
            "{line}"
        );
    }
    let process = following.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &process])
            .status()
            .unwrap()
            .success()
    );
    let output = following.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert!(output.stderr.is_empty(), "{}", words(&output));

    let mut unread = follow();
    let mut start = [0; 1];
    let mut out = unread.stdout.take().unwrap();
    out.read_exact(&mut start).unwrap();
    drop(out);
    // What was not written yet may still fail to be; either way it ends, and well.
    let begun = Instant::now();
    let code = loop {
        if let Some(status) = unread.try_wait().unwrap() {
            break status.code();
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "it follows on though nobody reads"
        );
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(code, Some(0));
}

#[test]
fn a_backup_is_a_whole_database_and_replaces_nothing() {
    let database = lived();
    done(&database.run(&[
        "--org",
        "other",
        "import",
        fixture("small/pipeline").to_str().unwrap(),
    ]));
    let (copy, copy_words) = path(database.folder.path(), "copy.db");
    // A writer that holds the database does not keep it from being copied.
    let writer = Connection::open(database.path()).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let said = done(&database.run(&["backup", &copy_words]));
    writer.execute_batch("ROLLBACK").unwrap();
    assert!(
        said.contains("positions") && said.contains("looked over"),
        "{said}"
    );
    let beside = names(database.folder.path());
    let copies = beside.iter().filter(|name| name.contains("copy"));
    assert_eq!(
        copies.collect::<Vec<_>>(),
        ["copy.db"],
        "nothing is left beside it"
    );
    let of_copy = |arguments: &[&str]| {
        let mut command = program();
        command
            .args(["--db", &copy_words, "--today", "2026-01-29"])
            .args(arguments);
        done(&command.output().unwrap())
    };
    assert_eq!(of_copy(&["log"]), done(&database.run(&["log"])));
    assert_eq!(
        of_copy(&["--org", "other", "log"]),
        done(&database.run(&["--org", "other", "log"]))
    );
    of_copy(&["check"]);

    let bytes = fs::read(&copy).unwrap();
    let own = database.path();
    let folder = database.folder.path();
    for (place, says) in [
        (copy.as_path(), "is there already"),
        (own.as_path(), "is there already"),
        (folder, "is a folder"),
    ] {
        let said = refused(
            &database.run(&["backup", place.to_str().unwrap()]),
            "not_empty",
        );
        assert!(said.contains(says), "{said}");
    }
    assert_eq!(fs::read(&copy).unwrap(), bytes);
    let (nowhere, nowhere_words) = path(&folder.join("nowhere"), "copy.db");
    let said = refused(
        &database.run(&["backup", &nowhere_words]),
        "file_not_writable",
    );
    assert!(
        said.contains("nowhere does not exist. Create it first"),
        "{said}"
    );
    assert!(!nowhere.exists());
    // What SQLite keeps beside the database is no place for a copy, even while it is not there.
    for end in ["-wal", "-shm", "-journal"] {
        let mut place = database.path().into_os_string();
        place.push(end);
        let said = refused(
            &database.run(&["backup", place.to_str().unwrap()]),
            "not_empty",
        );
        assert!(
            said.contains("what SQLite keeps beside") || said.contains("is there already"),
            "{said}"
        );
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let (private, private_words) = path(folder, "private.db");
        fs::set_permissions(&own, fs::Permissions::from_mode(0o600)).unwrap();
        done(&database.run(&["backup", &private_words]));
        assert_eq!(
            fs::metadata(&private).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    refused(
        &Database::none().run(&["backup", &nowhere_words]),
        "no_database",
    );
    refused(
        &database.run(&["--demo", "backup", &nowhere_words]),
        "no_database",
    );
    refused(&database.run(&["--demo", "check"]), "no_database");
}

#[test]
fn a_backup_made_while_others_write_is_of_one_moment() {
    let database = Database::of("small/pipeline");
    let mut writer = database
        .command(&["serve"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = writer.stdin.take().unwrap();
    let mut answers = BufReader::new(writer.stdout.take().unwrap());
    let mut say = |message: Value| writeln!(input, "{message}").unwrap();
    say(
        json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } }),
    );
    say(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    for id in 1..=40 {
        say(
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "set_target",
            "arguments": { "period": "2026-11", "amount": id * 1000 } } }),
        );
    }
    for nth in 0..3 {
        let (_, words) = path(database.folder.path(), &format!("copy-{nth}.db"));
        done(&database.run(&["backup", &words]));
        let mut check = program();
        done(&check.args(["--db", &words, "check"]).output().unwrap());
    }
    let mut line = String::new();
    while !line.contains("\"id\":40") {
        line.clear();
        assert!(
            answers.read_line(&mut line).unwrap() > 0,
            "the server ended"
        );
    }
    drop(input);
    writer.wait().unwrap();
    done(&database.run(&["check"]));
}

/// Checks a database that something is wrong with: exit code 3, and a line that says so.
#[track_caller]
fn wrong(database: &Database, says: &str) {
    let output = database.run(&["check"]);
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", words(&output));
    let is_said = said
        .lines()
        .any(|line| line.starts_with("WRONG ") && line.contains(says));
    assert!(is_said, "expected: {says}\ngot: {}", words(&output));
}

/// A copy of a database into which somebody wrote past the program.
fn damaged(database: &Database, sql: &str) -> Database {
    let copy = Database::none();
    let raw = Connection::open(database.path()).unwrap();
    raw.execute("VACUUM INTO ?1", [copy.path().to_str().unwrap()])
        .unwrap();
    let raw = Connection::open(copy.path()).unwrap();
    let triggers: Vec<(String, String)> = raw
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (name, _) in &triggers {
        raw.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    raw.execute_batch(sql).unwrap();
    assert!(raw.changes() > 0, "{sql} changed nothing");
    for (_, sql) in &triggers {
        raw.execute_batch(sql).unwrap();
    }
    copy
}

#[test]
fn check_says_that_a_sound_database_is_well() {
    let database = lived();
    done(&database.run(&[
        "--org",
        "other",
        "import",
        fixture("small/pipeline").to_str().unwrap(),
    ]));
    let before = fs::read(database.path()).unwrap();
    let said = done(&database.run(&["check"]));
    let expected = [
        "ok    file",
        "ok    default: log, 2065 positions, 185 deals",
        "ok    default: present, folded again from the first position",
        "ok    default: sums by stage, in the log and in the present",
        "ok    other: log, ",
        "Everything is well.",
    ];
    for line in expected {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    assert_eq!(
        fs::read(database.path()).unwrap(),
        before,
        "check changed the file"
    );
    refused(&Database::none().run(&["check"]), "no_database");
}

#[test]
fn of_a_file_that_holds_nothing_no_operation_makes_a_database() {
    let blank = |text: bool| {
        let database = Database::none();
        fs::write(database.path(), "").unwrap();
        if text {
            let raw = Connection::open(database.path()).unwrap();
            raw.execute_batch("VACUUM").unwrap();
            raw.execute_batch("PRAGMA user_version = 0; CREATE TABLE t (a); DROP TABLE t;")
                .unwrap();
        }
        database
    };
    for database in [blank(false), blank(true)] {
        let before = fs::read(database.path()).unwrap();
        let (copy, copy_words) = path(database.folder.path(), "copy.db");
        for arguments in [&["check"][..], &["backup", &copy_words], &["log"]] {
            let said = refused(&database.run(arguments), "no_database");
            let named = format!("(--db {})", database.path().display());
            assert!(said.contains(&named), "{said}");
            assert_eq!(
                fs::read(database.path()).unwrap(),
                before,
                "{arguments:?} changed the file"
            );
            assert!(!copy.exists());
        }
    }
}

#[test]
fn check_says_by_its_exit_code_what_it_found_to_one_who_reads_nothing() {
    let sound = Database::of("small/pipeline");
    let damaged = damaged(&sound, "DELETE FROM head");
    for (database, code) in [(sound, 0), (damaged, 3)] {
        let mut check = database
            .command(&["check"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(check.stdout.take());
        let output = check.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", words(&output));
        assert!(output.stderr.is_empty(), "{}", words(&output));
    }
}

#[test]
fn check_finds_what_was_done_to_a_log_past_the_program() {
    let database = lived();
    assert_eq!(database.position(), 2_065);
    let cases = [
        (
            "DELETE FROM change WHERE seq = 2059",
            "position 2059 is missing before position 2060",
        ),
        (
            "DELETE FROM change WHERE seq = 2065",
            "should end at position 2065, but ends at 2064",
        ),
        (
            "DELETE FROM origin WHERE deal = 0",
            "is missing before position",
        ),
        (
            "DELETE FROM entry WHERE first = 1",
            "position 1 belongs to no entry",
        ),
        (
            "DELETE FROM entry WHERE first = (SELECT max(first) FROM entry WHERE first < (SELECT max(first) FROM entry))",
            "rows of entry, but",
        ),
        ("DELETE FROM text WHERE number = 3", "rows of text, but"),
        ("DELETE FROM note WHERE number = 3", "rows of note, but"),
        (
            "UPDATE change SET value = 9 WHERE seq = 2059",
            "position 2059 holds stage 9, which does not exist",
        ),
        (
            "UPDATE change SET value = 999999 WHERE field = 13 AND seq = (SELECT min(seq) FROM change WHERE field = 13)",
            "holds text 999999",
        ),
        (
            "UPDATE change SET value = 5000 WHERE field = 36 AND seq = 2065",
            "position 2065 holds position 5000",
        ),
        (
            "UPDATE change SET value = 1 << 60 WHERE seq = 2061",
            "position 2061 holds number 1152921504606846976",
        ),
        (
            "UPDATE origin SET at = -99999999999999 WHERE deal = 7",
            "is of an instant beyond the calendar",
        ),
        (
            "UPDATE change SET number = 5000 WHERE seq = 2059",
            "is about deal 5000, which is not on record",
        ),
        (
            "UPDATE change SET kind = 99 WHERE seq = 2059",
            "position 2059 is about something of kind 99",
        ),
        (
            "UPDATE origin SET csm = 4000 WHERE deal = 7",
            "names person 4000, of which nothing is on record",
        ),
        (
            "UPDATE head SET position = 2070",
            "should end at position 2070, but ends at 2065",
        ),
        ("UPDATE head SET texts = texts - 1", "rows of text, but"),
        (
            "UPDATE head SET position = 0",
            "should end at position 0, but ends at 2065",
        ),
        (
            "UPDATE origin SET id = (SELECT id FROM origin WHERE deal = 1) WHERE deal = 0",
            "to another",
        ),
        (
            "UPDATE change SET value = 1 WHERE seq = 2065",
            "position 2065 takes back position 1, which is about something else",
        ),
        (
            "UPDATE change SET field = 77 WHERE seq = 2061",
            "position 2061 holds field 77, which does not exist",
        ),
        (
            "UPDATE entry SET door = 9 WHERE first = 1",
            "the entry at position 1 came through door 9, which does not exist",
        ),
        (
            "UPDATE text SET text = 'November' WHERE number = (SELECT number FROM change WHERE kind = 5 LIMIT 1)",
            "is about a target 'November', which does not exist",
        ),
        (
            "UPDATE text SET text = 'time_zone' WHERE number = (SELECT number FROM change WHERE kind = 5 LIMIT 1); \
             UPDATE change SET kind = 4, value = 0 WHERE seq = (SELECT min(seq) FROM change WHERE kind = 5)",
            "The setting time_zone cannot be",
        ),
        ("DELETE FROM head", "organisation 1 has no head of its log"),
        ("DELETE FROM organisation", "organisation 1 has no name"),
    ];
    for (sql, says) in cases {
        wrong(&damaged(&database, sql), says);
    }
    let raw = Connection::open(database.path()).unwrap();
    raw.execute_batch("DROP TRIGGER change_stays").unwrap();
    wrong(
        &database,
        "the trigger change_stays is missing or not as it was made",
    );
}

#[test]
fn an_organisation_that_is_half_gone_is_damage_to_everyone() {
    let database = Database::of("small/pipeline");
    for sql in [
        "UPDATE head SET position = 0",
        "DELETE FROM head",
        "DELETE FROM organisation",
    ] {
        let database = damaged(&database, sql);
        let (copy, copy_words) = path(database.folder.path(), "copy.db");
        for arguments in [
            &["call", "get_pipeline"][..],
            &["log"],
            &["backup", &copy_words],
        ] {
            refused(&database.run(arguments), "damaged_database");
        }
        assert!(!copy.exists(), "{sql}");
    }
}

#[test]
fn a_table_that_lost_a_column_is_damage_to_everyone() {
    let database = Database::of("small/pipeline");
    let raw = Connection::open(database.path()).unwrap();
    raw.execute_batch("DROP TRIGGER entry_stays; ALTER TABLE entry RENAME COLUMN actor TO bctor")
        .unwrap();
    drop(raw);
    wrong(
        &database,
        "the table entry is missing or not as it was made",
    );
    for arguments in [&["call", "get_pipeline"][..], &["log"]] {
        refused(&database.run(arguments), "damaged_database");
    }
}

#[test]
fn check_finds_bytes_that_were_overwritten() {
    let database = Database::of("demo");
    let raw = Connection::open(database.path()).unwrap();
    raw.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let page = raw
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'change'",
            [],
            |row| row.get::<_, u32>(0),
        )
        .unwrap();
    drop(raw);
    let whole = fs::read(database.path()).unwrap();
    let flip = |at: usize, length: usize| {
        let mut bytes = whole.clone();
        bytes[at..at + length]
            .iter_mut()
            .for_each(|byte| *byte ^= 0xFF);
        fs::write(database.path(), bytes).unwrap();
    };
    flip((page as usize - 1) * 4_096 + 2, 60);
    wrong(&database, "");
    flip(whole.len() - 4_096, 100);
    wrong(&database, "");
    // Of a file whose first bytes are gone nobody can say that it was ours.
    flip(0, 16);
    refused(&database.run(&["check"]), "not_a_database");
}
