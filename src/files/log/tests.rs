//! Logs written and read back, and files that are damaged: each with the line that is wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use super::{LogWriter, NAME, read};
use crate::domain::change::{
    BEGINNING, Batch, Change, Door, EMPTY, Entry, Logged, Position, Subject, field,
};
use crate::domain::holds::FIELDS;
use crate::domain::log::Row;
use crate::domain::origin::{Origin, recorded_bit};
use crate::domain::role::Role;
use crate::domain::texts::{NONE, Texts};
use crate::files::Source;

fn set(seq: Position, subject: Subject, field: u32, value: i64) -> Row {
    let change = Change {
        at: 1_769_688_000_000 + i64::from(seq),
        value,
        seq,
        field,
    };
    Row::Change(Logged { subject, change })
}

/// Texts by number: among them what CSV must quote, and what it must not trim.
const TEXTS: [&str; 8] = [
    "Ava",
    "say \"why\",\r\nplease",
    "  spaced  ",
    "D-1",
    "20454|-|-",
    "time_zone",
    "Europe/Berlin",
    "20454|20484|commit|-|20450",
];

/// An origin with every one of its fields filled. No field is left to a default, so that one that is
/// added must be given here, too.
fn origin() -> Origin {
    Origin {
        deal: 0,
        seq: 5,
        at: 1_769_644_800_000,
        known_at: 1_769_688_000_123,
        recorded: recorded_bit(field::STAGE) | recorded_bit(field::CSM),
        id: 3,
        name: 2,
        customer: 0,
        kind: 4,
        stage: 2,
        history: true,
        probability: 4_550,
        category: 1,
        term_months: 36,
        estimate: 8_500_050,
        product_line: 1,
        identified: 20_400,
        stage_entered: 20_410,
        expected_close: 20_500,
        csm: 0,
        sales_rep: 0,
        champion: 0,
        source: 1,
        use_case: 2,
        notes: 1,
        currency: 0,
    }
}

fn log() -> Vec<Row> {
    let entry = |first, door, reason| {
        Row::Entry(Entry {
            first,
            recorded_at: 1_769_688_000_123,
            door,
            actor: 0,
            reason,
            role: (door == Door::Mcp).then_some(Role::Expansion),
            client: if door == Door::Mcp { 3 } else { NONE },
            trace: if door == Door::Mcp { 4 } else { NONE },
        })
    };
    let mut rows = vec![
        entry(1, Door::Import, NONE),
        set(1, Subject::Person(0), field::ID, 0),
        set(2, Subject::Customer(0), field::ID, 3),
        set(3, Subject::Signal(0), field::ID, 0),
        set(4, Subject::Signal(0), field::EVIDENCE, 0),
        Row::Origin(origin()),
        Row::Origin(Origin {
            deal: 1,
            seq: 6,
            at: BEGINNING,
            recorded: u32::MAX,
            id: 4,
            ..Origin::default()
        }),
        entry(7, Door::Mcp, 2),
        set(7, Subject::Setting(5), field::VALUE, 6),
        set(8, Subject::Target(4), field::VALUE, 100_000),
        set(9, Subject::Forecast(7), field::VALUE, EMPTY),
    ];
    let mut next = 10;
    let mut deal = |field, value| {
        rows.push(set(next, Subject::Deal(1), field, value));
        next += 1;
    };
    for (field, ..) in FIELDS {
        let value = match field {
            // Only what is about the same deal can be taken back.
            field::VOID => 6,
            // There is one person, customer and signal, but several texts, days and so on.
            _ => i64::from(!is_record(field)),
        };
        deal(field, EMPTY);
        deal(field, value);
        deal(field::SAID + field, value);
    }
    deal(field::ATTRIBUTES + 2, 0);
    rows
}

/// Whether a field refers to a record of which there is one.
fn is_record(number: u32) -> bool {
    matches!(
        number,
        field::CSM | field::SALES_REP | field::CUSTOMER | field::SIGNAL
    )
}

fn written(rows: &[Row]) -> Vec<u8> {
    let mut texts = Texts::default();
    for text in TEXTS {
        texts.push(text);
    }
    let mut writer = LogWriter::new(Vec::new(), &texts).unwrap();
    writer.note(0, "seats\nat 96 %").unwrap();
    writer.note(1, "").unwrap();
    for row in rows {
        writer.row(row).unwrap();
    }
    writer.finish(rows.last().unwrap().position()).unwrap()
}

fn source(bytes: Vec<u8>) -> Source {
    Source {
        name: NAME.to_owned(),
        bytes,
    }
}

#[test]
fn a_log_is_read_back_as_it_was_written() {
    let rows = log();
    let batch = read(&source(written(&rows))).unwrap_or_else(|fault| panic!("{fault:?}"));
    let mut expected = Batch {
        texts: TEXTS.map(str::to_owned).to_vec(),
        first_text: 0,
        notes: vec![(0, "seats\nat 96 %".to_owned()), (1, String::new())],
        ..Batch::default()
    };
    for row in rows {
        row.add_to(&mut expected);
    }
    assert_eq!(batch, expected);
}

#[test]
fn a_damaged_log_is_refused_with_its_line() {
    let whole = String::from_utf8(written(&log())).unwrap();
    let lines: Vec<&str> = whole.split('\n').collect();
    let line_of = |start: &str| {
        let line = lines.iter().position(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("no line starts with {start}"))
    };
    let without = |start: &str| {
        let mut lines = lines.clone();
        lines.remove(line_of(start));
        lines.join("\n")
    };
    let twice = |start: &str| {
        let mut lines = lines.clone();
        lines.insert(line_of(start), lines[line_of(start)]);
        lines.join("\n")
    };
    let swapped = |one: &str, other: &str| {
        let mut lines = lines.clone();
        lines.swap(line_of(one), line_of(other));
        lines.join("\n")
    };
    let instead = |old: &str, new: &str| {
        assert!(whole.contains(old), "{old} is nowhere");
        whole.replacen(old, new, 1)
    };
    let cut = lines[..lines.len() - 3].join("\n");
    // (the file, the line that is named, what is said of it)
    let at = |start: &str| line_of(start) + 1;
    let cases = [
        (
            without("2,customer"),
            at("2,customer"),
            "position 2 is missing before position 3",
        ),
        (
            twice("2,customer"),
            at("2,customer") + 1,
            "position 2 comes again",
        ),
        (
            swapped("3,signal", "4,signal"),
            at("3,signal"),
            "position 3 is missing",
        ),
        (
            without("7,entry"),
            lines.len() - 2,
            "2 entries, but only 1 of them",
        ),
        (
            twice("7,entry"),
            at("7,entry") + 1,
            "the entry at position 7 comes again",
        ),
        (
            without(",text,3"),
            at(",text,3"),
            "comes where 3 is expected",
        ),
        (
            instead("\n2,customer", "\n2,costumer"),
            at("2,customer"),
            "\"costumer\" is not what a row may be",
        ),
        (
            instead("position,what", "position,kind"),
            1,
            "the first line is not position,what,",
        ),
        (
            instead("8,target,20454|-|-,value", "8,target,20454|-|-,valeu"),
            at("8,target"),
            "\"valeu\" is not a field",
        ),
        (
            instead("8,target,20454|-|-,value", "8,target,20454|-|-,field:499"),
            at("8,target"),
            "holds field 499, which does not exist",
        ),
        (
            instead("8,target,20454|-|-,", "8,target,Ava,"),
            at("8,target"),
            "is about a target 'Ava', which does not exist",
        ),
        (
            instead(".007Z,Europe/Berlin", ".007Z,Ava"),
            at("7,setting"),
            "The setting time_zone cannot be 'Ava'",
        ),
        (
            instead(",100000,", ",1e5,"),
            at("8,target"),
            "\"1e5\" is not a value of value",
        ),
        (
            instead(
                "1,person,0,id,2026-01-29T12:00:00.001Z",
                "1,person,0,id,yesterday",
            ),
            at("1,person"),
            "\"yesterday\" is not an instant",
        ),
        (
            instead(",import,", ",window,"),
            at("1,entry"),
            "\"window\" is not a door",
        ),
        (
            instead(
                "1,person,0,id,2026-01-29T12:00:00.001Z,Ava",
                "1,person,0,id,2026-01-29T12:00:00.001Z,Eva",
            ),
            at("1,person"),
            "\"Eva\" is not a value of id",
        ),
        (
            instead(
                "\"\"stage\"\":\"\"proposal\"\"",
                "\"\"stage\"\":\"\"proposed\"\"",
            ),
            at("5,origin"),
            "is not a value of stage",
        ),
        (
            instead("\"\"id\"\":\"\"D-1\"\",", ""),
            at("5,origin"),
            "is not what a deal came on record with",
        ),
        (
            instead("\n2,customer,0,", "\n2,customer,0"),
            at("2,customer"),
            "it has 11 columns, not 12",
        ),
        (
            instead("\n2,customer,0,", "\n2,customer,\"0,"),
            at("2,customer"),
            "a quotation mark is never closed",
        ),
        (
            cut.clone(),
            cut.split('\n').count() + 1,
            "the file was cut off after position",
        ),
        (
            format!("{whole}1,person,0,id,2026-01-29T12:00:00Z,Ava,,,,,,\n"),
            lines.len(),
            "after the end",
        ),
        (
            lines[0].to_owned(),
            2,
            "the file was cut off after position 0",
        ),
        (String::new(), 1, "the first line is not"),
    ];
    for (text, line, says) in cases {
        let found = read(&source(text.into_bytes()));
        let fault = found.expect_err(says);
        assert!(fault.reason.contains(says), "{says}: {fault:?}");
        assert_eq!(fault.line, line as u64, "{says}: {fault:?}");
    }
}

#[test]
fn an_origin_without_an_estimate_is_read_back_without_one() {
    let mut rows = log();
    for row in &mut rows {
        if let Row::Origin(origin) = row {
            origin.estimate = EMPTY;
        }
    }
    let bytes = written(&rows);
    assert!(!String::from_utf8_lossy(&bytes).contains("estimated_value\"\":"));
    let batch = read(&source(bytes)).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!(batch.deals[0].estimate, EMPTY);
}

#[test]
fn what_was_changed_since_it_was_written_is_refused() {
    let whole = String::from_utf8(written(&log())).unwrap();
    let end = whole.trim_end().rfind('\n').unwrap() + 1;
    let changed = [
        whole.replace('\n', "\r\n"),
        whole.replacen("seats", "seat5", 1),
        whole
            .replacen("85000.50", "85000.60", 1)
            .replacen("8500050", "8500060", 1),
    ];
    for text in changed {
        assert_ne!(text, whole);
        let fault = read(&source(text.into_bytes())).unwrap_err();
        assert!(
            fault.reason.contains("take the file of the export itself"),
            "{fault:?}"
        );
    }
    // What ends without a seal is of before there were any, and is taken as it stands.
    let cells: Vec<&str> = whole[end..].trim_end().split(',').collect();
    assert!(cells[5].starts_with("sha256:"));
    let older = format!("{}{}", &whole[..end], whole[end..].replace(cells[5], ""));
    assert!(read(&source(older.into_bytes())).is_ok());
}
