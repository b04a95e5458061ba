//! What the pipeline costs at 1 k, 10 k, 100 k and 1 M opportunities: opening, answering, writing,
//! refreshing, memory; each report beside the cheapest plain SQL for its main figures, in one run.
//!
//! `cargo bench` runs all sizes; `cargo bench -- 1000 100000` some. Medians of several runs, and
//! ratios: absolute times say more about the machine than about the program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark is a program for developers: it prints, and stops at the first surprise"
)]

mod generate;
mod plain_sql;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::Days;
use expansion_pipeline::engine::{Caller, Config, Door, Engine};
use expansion_pipeline::registry;
use mimalloc::MiMalloc;
use serde_json::{Map, Value, json};

const SERVER: &str = env!("CARGO_BIN_EXE_expansion-pipeline");

/// That of the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let asked: Vec<u32> = std::env::args()
        .skip(1)
        .filter_map(|word| word.replace('_', "").parse().ok())
        .collect();
    let sizes = if asked.is_empty() {
        vec![1_000, 10_000, 100_000, 1_000_000]
    } else {
        asked
    };
    for size in sizes {
        bench(size);
    }
}

fn bench(size: u32) {
    println!("\n## {size} opportunities");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    let entries = generate::database(&path, size);
    println!(
        "log entries: {:.1} a deal, file {} MB",
        f64::from(entries) / f64::from(size),
        megabytes(&path)
    );

    let (listed, first) = start(&path);
    println!(
        "tools/list after {}, first answer after {} (process start to answer)",
        show(listed.0),
        show(first.0)
    );
    println!(
        "memory after the first answer: {} MB resident, {} MB at its peak",
        first.1 / 1024,
        first.2 / 1024
    );

    let engine = engine(&path);
    let opened = timed(1, || {
        engine.warm_up();
    });
    println!("opening in process: {}", show(opened));

    let sql = plain_sql::Tables::new(size);
    println!("\n| question | ours | plain SQL | ratio |\n|---|---|---|---|");
    for (name, arguments, plain) in questions() {
        let tool = registry::find(name).unwrap();
        let (ours, theirs) = beside(
            runs(size),
            || {
                engine.call(tool, arguments.clone(), &caller()).unwrap();
            },
            || {
                sql.ask(plain);
            },
        );
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
        println!(
            "| {name} {} | {} | {} | {ratio:.1}x |",
            Value::Object(arguments),
            show(ours),
            show(theirs)
        );
    }

    landing(&engine, size);
    explained(&engine, size);
    what_ifs(&engine, size);
    writes(&engine, &path, size);
    out_again(&engine, folder.path());
}

/// Everything written out, the log made again from it, and both databases looked over and copied.
fn out_again(engine: &Engine, folder: &Path) {
    let out = folder.join("out");
    let exported = timed(1, || {
        engine.export(out.clone()).unwrap();
    });
    let log = out.join("log.csv");
    let again = crate::engine(&folder.join("again.db"));
    let imported = timed(1, || {
        let sources = expansion_pipeline::files::sources(std::slice::from_ref(&log)).unwrap();
        again.import(sources, None, &caller()).unwrap();
    });
    let checked = timed(1, || {
        let findings = again.check().unwrap();
        assert!(findings.iter().all(|finding| finding.faults.is_empty()));
    });
    let copied = timed(1, || {
        again.backup(&folder.join("copy.db")).unwrap();
    });
    println!(
        "export: {} (log.csv {} MB); import of the log: {}; check: {}; backup: {}",
        show(exported),
        megabytes(&log),
        show(imported),
        show(checked),
        show(copied)
    );
}

/// A forecast of so long a period that all open deals are due in it: what its landing costs.
fn landing(engine: &Engine, size: u32) {
    let tool = registry::find("get_forecast").unwrap();
    let arguments = json!({ "period": "2025-09-01..2026-12-31", "assume_target": 1_000_000 });
    let arguments = arguments.as_object().unwrap();
    let mut deals = Value::Null;
    let took = timed(runs(size).min(15), || {
        let answer = engine.call(tool, arguments.clone(), &caller()).unwrap();
        deals = answer.structured["landing"]["deals"].clone();
    });
    println!(
        "\nget_forecast of all open deals, landing of {deals}: {}",
        show(took)
    );
}

/// What explaining the forecast costs, beside asking it.
fn explained(engine: &Engine, size: u32) {
    let (forecast, explain) = (
        registry::find("get_forecast").unwrap(),
        registry::find("explain").unwrap(),
    );
    let answer = engine.call(forecast, Map::new(), &caller()).unwrap();
    let reference = &answer.structured["basis"]["ref"];
    let arguments = json!({ "basis": reference, "figure": "weighted" });
    let took = timed(runs(size).min(15), || {
        let arguments = arguments.as_object().unwrap().clone();
        engine.call(explain, arguments, &caller()).unwrap();
    });
    println!("explain of its weighted figure: {}", show(took));
}

/// What supposing costs beside the forecast as it is: one deal, the largest three, as many as may be.
fn what_ifs(engine: &Engine, size: u32) {
    let tool = registry::find("get_forecast").unwrap();
    let ask = |commands: Value| {
        let arguments = json!({ "what_if": commands });
        let arguments = arguments.as_object().unwrap();
        timed(runs(size).min(15), || {
            engine.call(tool, arguments.clone(), &caller()).unwrap();
        })
    };
    let edit = |name: &str, deals: Value| json!([{ "update_opportunity": { name: deals, "probability": 0.55 } }]);
    let present = ask(json!([]));
    println!("\n| supposed | get_forecast | of the present one |\n|---|---|---|");
    for (name, commands) in [
        ("nothing", json!([])),
        (
            "a deal",
            edit("opportunity", json!(generate::open_deal(size, 0))),
        ),
        ("the largest 3", edit("where", json!({ "limit": 3 }))),
        ("the largest 100", edit("where", json!({ "limit": 100 }))),
        ("the largest 500", edit("where", json!({ "limit": 500 }))),
    ] {
        let took = ask(commands);
        let ratio = took.as_secs_f64() / present.as_secs_f64();
        println!("| {name} | {} | {ratio:.1} times |", show(took));
    }
}

/// The questions asked warm, each with the plain SQL for its main figures.
fn questions() -> Vec<(&'static str, Map<String, Value>, plain_sql::Question)> {
    use plain_sql::Question::{
        Analytics, AnalyticsByCsm, Changes, Forecast, ListClosing, ListCustomer, OneDeal, Pipeline,
        PipelineAsOf, PipelineRegion, WinRate, WinRateByCsm,
    };
    let arguments = |json: Value| json.as_object().unwrap().clone();
    vec![
        ("get_pipeline", arguments(json!({})), Pipeline),
        (
            "get_pipeline",
            arguments(json!({"type": ["upsell"], "csm": ["CSM-7"]})),
            PipelineRegion,
        ),
        ("get_forecast", arguments(json!({})), Forecast),
        (
            "list_opportunities",
            arguments(json!({"closing": "this month"})),
            ListClosing,
        ),
        (
            "list_opportunities",
            arguments(json!({"customer": ["C-17"]})),
            ListCustomer,
        ),
        ("win_rate", arguments(json!({})), WinRate),
        ("win_rate", arguments(json!({"by": "csm"})), WinRateByCsm),
        ("get_analytics", arguments(json!({})), Analytics),
        (
            "get_analytics",
            arguments(json!({"dimension": "csm"})),
            AnalyticsByCsm,
        ),
        (
            "get_pipeline",
            arguments(json!({"as_of": (generate::today() - Days::new(90)).to_string()})),
            PipelineAsOf,
        ),
        (
            "get_changes",
            arguments(json!({"period": "this month"})),
            Changes,
        ),
        (
            "get_opportunity",
            arguments(json!({"opportunity": "D-17", "include": ["history"]})),
            OneDeal,
        ),
    ]
}

/// One durable write, beside a bare synced commit of SQLite on the same disk; then what another
/// process's write costs the next question here.
fn writes(engine: &Engine, path: &Path, size: u32) {
    let tool = registry::find("update_stage").unwrap();
    let ids: Vec<String> = (0..60).map(|n| generate::open_deal(size, n)).collect();
    let mut stages = ["qualified", "proposal", "negotiation"].into_iter().cycle();
    let bare = plain_sql::synced_commit(&path.with_file_name("bare.db"));
    let mut next = ids.iter().cycle();
    let mut write = |engine: &Engine| {
        let stage = stages.next().unwrap();
        let arguments =
            json!({"opportunity": next.next().unwrap(), "stage": stage, "reason": "benchmark"});
        engine
            .call(tool, arguments.as_object().unwrap().clone(), &caller())
            .unwrap();
    };
    let ours = timed(40, || write(engine));
    println!(
        "\none durable write: {} = {:.1}x a bare synced commit ({})",
        show(ours),
        ours.as_secs_f64() / bare.as_secs_f64(),
        show(bare)
    );

    let other = crate::engine(path);
    other.warm_up();
    let report = registry::find("list_opportunities").unwrap();
    let ask = json!({"customer": ["C-17"]});
    let mut refreshed: Vec<Duration> = (0..20)
        .map(|_| {
            write(&other);
            let start = Instant::now();
            engine
                .call(report, ask.as_object().unwrap().clone(), &caller())
                .unwrap();
            start.elapsed()
        })
        .collect();
    refreshed.sort();
    println!(
        "a refresh after another process wrote, with a small answer: {}",
        show(refreshed[refreshed.len() / 2])
    );
}

fn engine(path: &Path) -> Engine {
    Engine::new(Config {
        database: Some(path.to_owned()),
        organisation: "default".to_owned(),
        today: Some(generate::today()),
        read_only: false,
    })
    .forgetful()
}

fn caller() -> Caller {
    Caller::new("bench", Door::Cli)
}

fn runs(size: u32) -> usize {
    if size >= 1_000_000 { 15 } else { 40 }
}

/// The median of some runs, after one that does not count when there are several.
fn timed(runs: usize, run: impl FnMut()) -> Duration {
    median(times(runs, run))
}

/// The medians of some runs of ours and of fewer of theirs, in turns, so that what else the machine does
/// slows both.
fn beside(runs: usize, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (Duration, Duration) {
    const TURNS: usize = 5;
    let (mut of_ours, mut of_theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        of_ours.extend(times(runs / TURNS, &mut ours));
        of_theirs.extend(times(3, &mut theirs));
    }
    (median(of_ours), median(of_theirs))
}

/// What some runs took, after one that does not count when there are several.
fn times(runs: usize, mut run: impl FnMut()) -> Vec<Duration> {
    if runs > 1 {
        run();
    }
    let took = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..runs).map(took).collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Starts a server and asks it over its pipes: when the tools were listed, and when the first answer
/// came, with the memory it then held (resident and peak, in kB). Medians of three.
#[allow(clippy::type_complexity)]
fn start(path: &Path) -> ((Duration, u64, u64), (Duration, u64, u64)) {
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "get_forecast", "arguments": {}}});
    let mut both = [list, call].map(|request| {
        let mut runs: Vec<(Duration, u64, u64)> =
            (0..3).map(|_| ask_server(path, &request)).collect();
        runs.sort();
        runs[1]
    });
    (std::mem::take(&mut both[0]), std::mem::take(&mut both[1]))
}

fn ask_server(path: &Path, request: &Value) -> (Duration, u64, u64) {
    let start = Instant::now();
    let mut server = Command::new(SERVER)
        .args([
            "serve",
            "--db",
            path.to_str().unwrap(),
            "--today",
            &generate::today().to_string(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut to = server.stdin.take().unwrap();
    let mut from = BufReader::new(server.stdout.take().unwrap()).lines();
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}});
    writeln!(to, "{hello}").unwrap();
    from.next().unwrap().unwrap();
    writeln!(
        to,
        "{}",
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"})
    )
    .unwrap();
    writeln!(to, "{request}").unwrap();
    let answer = from.next().unwrap().unwrap();
    let took = start.elapsed();
    assert!(answer.contains("\"result\""), "{answer}");
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap_or_default();
    let kilobytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
            .unwrap_or(0)
    };
    let memory = (took, kilobytes("VmRSS"), kilobytes("VmHWM"));
    drop(to);
    server.wait().unwrap();
    memory
}

fn show(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        m if m < 1_000.0 => format!("{m:.0} µs"),
        m if m < 1_000_000.0 => format!("{:.2} ms", m / 1e3),
        m => format!("{:.2} s", m / 1e6),
    }
}

fn megabytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len() / 1_000_000)
}
