//! What a column does not take is turned down in words that are fit to show: the hostile corpus goes
//! through every column of every file, through the settings and through the names of columns.

use std::fs;

use csv::ReaderBuilder;
use expansion_pipeline::engine::{Engine, Imported};
use expansion_pipeline::files::Source;
use serde_json::json;

use crate::hostile::{CONTROLS, CORPUS, check, check_refusal, file, hold, is_clean, settle, words};
use crate::processes::Database;
use crate::support::{Portfolio, TODAY, caller, empty};

/// A file with its columns, a good row in which `#` is another number each time, and those of its
/// columns that take words of a list only, dates or numbers.
const FILES: [(&str, &str, &str, &str); 9] = [
    (
        "opportunities.csv",
        "id,customer_id,customer_name,name,type,product_line,estimated_value,probability,weighted_value,identified_date,\
         expected_close,actual_close,stage,stage_entered_at,csm_id,csm_name,sales_rep_id,sales_rep_name,champion_id,source,\
         use_case,notes,closed_value,lost_reason,lost_note,currency,term_months,forecast_category,region",
        "D-#,C-1,Acme,Seats,upsell,Core,1000,,,2025-11-01,2026-03-31,2026-01-10,closed_lost,,P-1,Ann,P-2,Ben,P-3,qbr,\
         more seats,none,,budget,none,,12,,West",
        "type estimated_value probability identified_date expected_close actual_close stage \
         stage_entered_at closed_value currency term_months forecast_category",
    ),
    (
        "customers.csv",
        "id,name,arr,segment,health_score,csm_id,csm_name,tier",
        "C-#,Acme #,1000,SMB,80,P-1,Ann,gold",
        "arr health_score",
    ),
    (
        "people.csv",
        "id,name,manager,team",
        "P-#,Ann #,Zoe,West",
        "",
    ),
    (
        "signals.csv",
        "id,customer_id,customer_name,kind,detected_at,evidence,opportunity_id",
        "S-#,,,usage,2025-12-01,seen,D-0",
        "detected_at",
    ),
    (
        "stage_history.csv",
        "opportunity_id,from_stage,to_stage,at",
        "D-0,identified,qualified,2025-12-01T00:00:0#",
        "from_stage to_stage at",
    ),
    (
        "field_history.csv",
        "opportunity_id,field,from,to,at",
        "D-0,use_case,one,two,2025-12-02",
        "at",
    ),
    (
        "targets.csv",
        "month,amount,csm_id,csm_name,type",
        "2026-02,100,P-#,Ann #,upsell",
        "month amount type",
    ),
    (
        "forecasts.csv",
        "period,measure,amount,as_of,csm_id,csm_name",
        "2026-02,weighted,100,2026-01-15,P-#,Ann #",
        "period measure amount as_of",
    ),
    (
        "rates.csv",
        "currency,date,rate",
        "EUR,2026-01-01,1.1",
        "currency date rate",
    ),
];

fn texts() -> impl Iterator<Item = &'static str> {
    CORPUS.into_iter().chain(CONTROLS)
}

/// A file of so many good rows.
fn good(name: &str, count: usize) -> Vec<Vec<String>> {
    let (_, header, row, _) = FILES.iter().find(|file| file.0 == name).unwrap();
    let row = |nth: usize| row.replace('#', &nth.to_string());
    let split = |line: &str| line.split(',').map(str::to_owned).collect();
    let rows = (0..count).map(|nth| split(&row(nth)));
    std::iter::once(split(header)).chain(rows).collect()
}

/// The file with the deal that others are about, if it is another.
fn deal_for(name: &str) -> Option<Source> {
    (name != "opportunities.csv").then(|| file("opportunities.csv", good("opportunities.csv", 1)))
}

fn import(portfolio: &Portfolio, sources: Vec<Source>) -> Imported {
    portfolio.import(sources, None, &caller()).unwrap()
}

/// Whether what an import says is on one line, short, and steers nothing.
fn check_said(done: &Imported, at: &str, faults: &mut Vec<String>) {
    for rejection in &done.rejections {
        for words in [&rejection.reason, &rejection.column] {
            let is_line = is_clean(words) && !words.contains('\n');
            hold(faults, is_line, || format!("{at}: {words:?}"));
            let length = words.chars().count();
            hold(faults, length <= 1_000, || {
                format!("{at}: {length} characters")
            });
        }
    }
    for note in &done.summary.notes {
        let is_line = is_clean(note) && !note.contains('\n');
        hold(faults, is_line, || format!("{at}: {note:?}"));
    }
}

#[test]
fn every_column_of_every_file_takes_any_text_or_turns_it_down_fit_to_show() {
    let mut faults = Vec::new();
    for (name, header, _, takes_no_text) in FILES {
        for (place, column) in header.split(',').enumerate() {
            let at = format!("{name} {column}");
            let mut rows = good(name, texts().count());
            for (row, text) in rows.iter_mut().skip(1).zip(texts()) {
                text.clone_into(&mut row[place]);
            }
            let sources = std::iter::once(file(name, rows)).chain(deal_for(name));
            let portfolio = empty(TODAY);
            let done = import(&portfolio, sources.collect());
            check_said(&done, &at, &mut faults);
            let takes_text = takes_no_text.split_whitespace().all(|it| it != column);
            let least = if takes_text {
                CONTROLS.len()
            } else {
                texts().count()
            };
            hold(&mut faults, done.rejections.len() >= least, || {
                format!("{at}: {} turned down", done.rejections.len())
            });
        }
    }
    settle(&faults);
}

/// The settings, each set to a text.
fn settings_of(text: &str) -> Source {
    let settings = Engine::default_settings();
    let rows = settings.iter().map(|(name, _)| words(&[name, text]));
    file(
        "settings.csv",
        std::iter::once(words(&["name", "value"])).chain(rows),
    )
}

#[test]
fn settings_take_any_reason_of_a_loss_and_no_other_text() {
    let mut faults = Vec::new();
    let all = Engine::default_settings().len();
    for text in texts() {
        let done = import(&empty(TODAY), vec![settings_of(text)]);
        check_said(&done, text, &mut faults);
        let is_text = !CONTROLS.contains(&text);
        assert_eq!(done.rejections.len(), all - usize::from(is_text), "{text}");
        let named = [words(&["name", "value"]), words(&[text, "5"])];
        let done = import(&empty(TODAY), vec![file("settings.csv", named)]);
        check_said(&done, text, &mut faults);
        assert_eq!(done.rejections.len(), 1, "{text}");
    }
    settle(&faults);
}

/// What the settings list is offered as it may be shown, and means what it stands for.
#[test]
fn reasons_of_a_loss_are_offered_fit_to_show() {
    let mut faults = Vec::new();
    let portfolio = empty(TODAY);
    let mut deals = good("opportunities.csv", 1);
    for (place, value) in [(11, ""), (12, "proposal"), (23, "")] {
        value.clone_into(&mut deals[1][place]);
    }
    assert!(import(&portfolio, vec![file("opportunities.csv", deals)]).written);
    for text in CORPUS {
        let reasons = format!("budget, {text}");
        let rows = [
            words(&["name", "value"]),
            words(&["lost_reasons", &reasons]),
        ];
        assert!(import(&portfolio, vec![file("settings.csv", rows)]).written);
        let lose = json!({"opportunity": "D-0", "stage": "closed_lost", "dry_run": true});
        let refusal = portfolio.answer("update_stage", lose.clone()).unwrap_err();
        assert_eq!(refusal.code.name(), "lost_reason_required");
        check_refusal(&refusal, text, &mut faults);
        let wants = serde_json::to_value(&refusal.wants).unwrap();
        crate::hostile::check_structured(&wants, "", false, text, &mut faults);
        assert!(refusal.candidates.len() >= 2, "{:?}", refusal.candidates);
        for reason in &refusal.candidates {
            let mut lose = lose.clone();
            lose["lost_reason"] = json!(reason);
            let answer = portfolio.answer("update_stage", lose).unwrap();
            check(&answer, false, text, &mut faults);
        }
        let mut lose = lose.clone();
        lose["lost_reason"] = json!("none of them at all");
        let refusal = portfolio.answer("update_stage", lose).unwrap_err();
        check_refusal(&refusal, text, &mut faults);
    }
    settle(&faults);
}

#[test]
fn columns_of_any_name_are_attributes_fit_to_show() {
    let mut faults = Vec::new();
    for name in ["opportunities.csv", "customers.csv", "people.csv"] {
        for text in texts() {
            let mut rows = good(name, 1);
            rows[0].push(text.to_owned());
            rows[1].push("value".to_owned());
            let sources = std::iter::once(file(name, rows)).chain(deal_for(name));
            let portfolio = empty(TODAY);
            let done = import(&portfolio, sources.collect());
            check_said(&done, name, &mut faults);
            if done.written {
                let asked = json!({"where": "unheard_of=1"});
                let refusal = portfolio.answer("get_pipeline", asked).unwrap_err();
                check_refusal(&refusal, name, &mut faults);
            }
        }
    }
    settle(&faults);
}

/// On a terminal and in the file of what was left out, too.
#[test]
fn what_was_turned_down_is_printed_and_kept_fit_to_show() {
    let database = Database::none();
    let exports = database.folder.path().join("exports");
    fs::create_dir(&exports).unwrap();
    for (nth, text) in [CORPUS[8], CORPUS[9], CONTROLS[0]].into_iter().enumerate() {
        let source = settings_of(text);
        fs::write(exports.join(format!("settings_{nth}.csv")), source.bytes).unwrap();
    }
    let mut rows = good("rates.csv", texts().count());
    for (row, text) in rows.iter_mut().skip(1).zip(texts()) {
        text.clone_into(&mut row[0]);
    }
    fs::write(exports.join("rates.csv"), file("rates.csv", rows).bytes).unwrap();
    let exports = exports.to_str().unwrap();
    let refused = database.run(&["import", exports]);
    assert!(!refused.status.success());
    let kept = database.run(&["import", exports, "--skip-bad-rows"]);
    assert!(kept.status.success(), "{kept:?}");
    let settings = database.run(&["settings"]);
    assert!(settings.status.success());
    for said in [refused.stderr, kept.stdout, kept.stderr, settings.stdout] {
        let said = String::from_utf8(said).unwrap();
        assert!(is_clean(&said), "{said:?}");
        assert!(said.lines().all(|line| !line.starts_with("[31m")), "{said}");
    }
    let found = fs::read_dir(exports).unwrap();
    let mut paths = found.map(|entry| entry.unwrap().path());
    let is_kept = |path: &std::path::PathBuf| path.to_string_lossy().contains("rejected");
    let kept = paths.find(is_kept).expect("what was left out is kept");
    let mut csv = ReaderBuilder::new().from_path(kept).unwrap();
    let headers = csv.headers().unwrap().clone();
    let place = headers
        .iter()
        .position(|it| it == "rejected_reason")
        .unwrap();
    let rows: Vec<_> = csv.records().map(Result::unwrap).collect();
    assert!(rows.len() > texts().count(), "{}", rows.len());
    for row in rows {
        let reason = &row[place];
        assert!(is_clean(reason) && !reason.contains('\n'), "{reason:?}");
    }
}
