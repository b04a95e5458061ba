//! Writers, readers and subscribers at two servers on one file, for as long as is asked: nothing goes
//! wrong, nothing grows, and every write that was acknowledged is in the log.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rmcp::model::{
    ProtocolVersion, ResourceUpdatedNotificationParam, SubscribeRequestParams, SubscriptionFilter,
};
use rmcp::service::{NotificationContext, RoleClient, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::client::{Client, Question};
use crate::server::Server;
use crate::{SIZE, generate};

/// Writers and readers at each server.
const WRITERS: u32 = 2;
const READERS: u32 = 2;
/// What each waits for after an answer.
const PAUSE: Duration = Duration::from_millis(20);

/// What has happened so far.
#[derive(Default)]
struct Tally {
    stop: AtomicBool,
    writes: AtomicU64,
    answers: AtomicU64,
    notices: AtomicU64,
}

/// Runs, prints how it goes, and stops at the first thing that is wrong.
pub async fn soak(span: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("pipeline.db");
    let before = generate::database(&database, SIZE);
    let at_first = fresh(&database).await;
    let servers = [Server::of(&database), Server::of(&database)];
    let tally = Arc::new(Tally::default());
    println!(
        "\n## {} s with two servers on one file of {SIZE} opportunities\n",
        span.as_secs()
    );

    let mut listening = Vec::new();
    for server in &servers {
        listening.push(subscribe(server, &tally, ClientLifecycleMode::Initialize).await);
        let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
        let newer = ClientLifecycleMode::Discover { preferred_versions };
        listening.push(subscribe(server, &tally, newer).await);
    }
    let mut writers = Vec::new();
    let mut readers = Vec::new();
    for (place, server) in servers.iter().enumerate() {
        for n in 0..WRITERS {
            let number = u32::try_from(place).unwrap() * WRITERS + n;
            writers.push(tokio::spawn(write(
                server.address.clone(),
                number,
                Arc::clone(&tally),
            )));
        }
        for _ in 0..READERS {
            readers.push(tokio::spawn(read(
                server.address.clone(),
                Arc::clone(&tally),
            )));
        }
    }

    println!(
        "| after | writes | answers | notices | memory | open files |\n|---|---|---|---|---|---|"
    );
    let (start, mut held) = (Instant::now(), Vec::new());
    while start.elapsed() < span {
        tokio::time::sleep((span / 20).max(Duration::from_secs(1))).await;
        let each = servers.each_ref().map(Server::holds);
        let count = |counted: &AtomicU64| counted.load(Ordering::Relaxed);
        println!(
            "| {} s | {} | {} | {} | {}, {} MB | {}, {} |",
            start.elapsed().as_secs(),
            count(&tally.writes),
            count(&tally.answers),
            count(&tally.notices),
            each[0].0 / 1024,
            each[1].0 / 1024,
            each[0].1,
            each[1].1
        );
        held.push(each);
        let gone = writers.iter().any(JoinHandle::is_finished)
            || readers.iter().any(JoinHandle::is_finished);
        assert!(!gone, "somebody gave up");
    }
    tally.stop.store(true, Ordering::Relaxed);
    let mut acknowledged = BTreeSet::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    for reader in readers {
        reader.await.unwrap();
    }
    for client in listening {
        client.cancel().await.unwrap();
    }

    let logged = reasons(&database, before);
    let lost: Vec<&String> = acknowledged.difference(&logged).collect();
    assert!(lost.is_empty(), "acknowledged and not in the log: {lost:?}");
    let notices = tally.notices.load(Ordering::Relaxed);
    assert!(notices > 0, "nobody was told of anything");
    println!(
        "\n{} writes acknowledged, all of them in the log",
        acknowledged.len()
    );
    let log = fresh(&database).await.saturating_sub(at_first);
    grown(&held, log);
}

/// What allocators may keep for later, in kB.
const SLACK: u64 = 8 * 1024;

/// What is held in the last quarter beside the second, on average, for each look is at some moment of much
/// coming and going: as many files; more memory only for the log, which has grown with every write, as
/// servers show that have just read it. In the first quarter allocators fill up.
fn grown(held: &[[(u64, usize); 2]], log: u64) {
    let quarter = (held.len() / 4).max(1);
    let (_, after_first) = held.split_at(quarter.min(held.len() - 1));
    let second = &after_first[..quarter];
    let last = &held[held.len() - quarter..];
    // From the middle of the one to the middle of the other half of all was written.
    let log = log / 2;
    for server in 0..2 {
        let memory = |looks: &[[(u64, usize); 2]]| {
            let all: u64 = looks.iter().map(|look| look[server].0).sum();
            all / quarter as u64
        };
        let files = |looks: &[[(u64, usize); 2]]| looks.iter().map(|look| look[server].1).max();
        let more = memory(last).saturating_sub(memory(second));
        println!(
            "{} MB more, {} of them for the log; open files {:?} and {:?}",
            more / 1024,
            log / 1024,
            files(second),
            files(last)
        );
        assert!(more < log + SLACK, "memory grew");
        assert!(
            files(last) <= files(second).map(|most| most + 4),
            "open files grew"
        );
    }
}

/// The memory of a server that has just read a log and answered some questions, in kB.
async fn fresh(database: &Path) -> u64 {
    let server = Server::of(database);
    let mut client = Client::connect(&server.address).await;
    for (tool, arguments) in questions() {
        client.result(&Question::new(tool, &arguments)).await;
    }
    server.holds().0
}

/// What readers ask.
fn questions() -> [(&'static str, Value); 8] {
    [
        ("get_pipeline", json!({})),
        ("get_forecast", json!({})),
        ("list_opportunities", json!({"closing": "this month"})),
        ("win_rate", json!({"by": "csm"})),
        ("get_changes", json!({"period": "this month"})),
        ("get_analytics", json!({})),
        ("get_pipeline", json!({"as_of": "2026-01-01"})),
        (
            "get_opportunity",
            json!({"opportunity": "D-17", "include": ["history"]}),
        ),
    ]
}

/// Changes deals of its own, one after another, each for a reason of its own: those acknowledged.
async fn write(address: String, number: u32, tally: Arc<Tally>) -> Vec<String> {
    let mut client = Client::connect(&address).await;
    let deals: Vec<String> = (0..10)
        .map(|n| generate::open_deal(SIZE, number * 10 + n))
        .collect();
    let mut reasons = Vec::new();
    for (n, deal) in (1_u64..).zip(deals.iter().cycle()) {
        if tally.stop.load(Ordering::Relaxed) {
            break;
        }
        let reason = format!("write {n} of {number}");
        let change = json!({"opportunity": deal, "estimated_value": 10_000 + n, "reason": reason, "confirm": true});
        client
            .result(&Question::new("update_opportunity", &change))
            .await;
        reasons.push(reason);
        tally.writes.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
    reasons
}

/// Asks one thing after another.
async fn read(address: String, tally: Arc<Tally>) {
    let mut client = Client::connect(&address).await;
    for (tool, arguments) in questions().iter().cycle() {
        if tally.stop.load(Ordering::Relaxed) {
            break;
        }
        client.result(&Question::new(tool, arguments)).await;
        tally.answers.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
}

#[derive(Clone)]
struct Subscriber(Arc<Tally>);

impl ClientHandler for Subscriber {
    async fn on_resource_updated(
        &self,
        _: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.0.notices.fetch_add(1, Ordering::Relaxed);
    }
}

/// Listens to what changes all the time.
async fn subscribe(
    server: &Server,
    tally: &Arc<Tally>,
    lifecycle: ClientLifecycleMode,
) -> RunningService<RoleClient, Subscriber> {
    const WHOLE: &str = "pipeline://pipeline";
    let older = matches!(lifecycle, ClientLifecycleMode::Initialize);
    let uri = format!("http://{}/mcp", server.address);
    let transport = StreamableHttpClientTransport::from_uri(uri);
    let subscriber = Subscriber(Arc::clone(tally));
    let client = subscriber.serve_with_lifecycle(transport, lifecycle).await;
    let client = client.unwrap();
    if older {
        #[allow(deprecated)]
        client
            .subscribe(SubscribeRequestParams::new(WHOLE))
            .await
            .unwrap();
    } else {
        let filter = SubscriptionFilter::builder()
            .resource_subscription(WHOLE)
            .build();
        let mut stream = client.listen(filter).await.unwrap();
        let tally = Arc::clone(tally);
        tokio::spawn(async move {
            while let Ok(Some(_)) = stream.next().await {
                tally.notices.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    client
}

/// The reasons in the log after this position, read by the program.
fn reasons(database: &Path, since: u32) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_expansion-pipeline"));
    command
        .arg("--db")
        .arg(database)
        .args(["log", "--json", "--since", &since.to_string()]);
    let printed = command.output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let lines = String::from_utf8(printed.stdout).unwrap();
    let reason = |line: &str| {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        entry["reason"].as_str().unwrap_or_default().to_owned()
    };
    lines.lines().map(reason).collect()
}
