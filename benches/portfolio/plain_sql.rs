//! The same questions in the cheapest plain SQL: one ordinary table with covering indexes, in
//! memory, statements prepared, and only the main figures of each report.

use std::path::Path;
use std::time::Duration;

use chrono::{Datelike as _, NaiveDate};
use expansion_pipeline::domain::days::day;
use rusqlite::{Connection, params};

use crate::generate;

/// Which question.
#[derive(Debug, Clone, Copy)]
pub enum Question {
    Pipeline,
    PipelineRegion,
    Forecast,
    ListClosing,
    ListCustomer,
    WinRate,
    WinRateByCsm,
    Analytics,
    AnalyticsByCsm,
    PipelineAsOf,
    Changes,
    OneDeal,
}

/// The table the questions are asked of.
pub struct Tables {
    connection: Connection,
    today: NaiveDate,
}

impl Tables {
    pub fn new(size: u32) -> Tables {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE deal (id INTEGER PRIMARY KEY, name TEXT, customer INT, csm INT, rep INT, kind INT, source INT,
                   product INT, stage INT, value INT, estimate INT, probability INT, identified INT, entered INT, close INT,
                   reason INT);
                 CREATE TABLE move (deal INT, at INT, stage INT); BEGIN",
            )
            .unwrap();
        {
            let mut insert = connection
                .prepare("INSERT INTO deal VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)")
                .unwrap();
            let mut moved = connection
                .prepare("INSERT INTO move VALUES (?1,?2,?3)")
                .unwrap();
            for n in 0..size {
                let deal = generate::deal(n, size);
                moved.execute(params![n, deal.identified, 0]).unwrap();
                let next = if deal.stage < 4 { deal.stage } else { 2 };
                moved.execute(params![n, deal.moved, next]).unwrap();
                if deal.stage >= 4 {
                    moved.execute(params![n, deal.close, deal.stage]).unwrap();
                }
                let probability = [1_000, 4_000, 6_000, 8_000, 10_000, 0][usize::from(deal.stage)];
                let value = if deal.stage == 4 {
                    deal.closed_value
                } else {
                    deal.estimate
                };
                let entered = if deal.stage < 4 {
                    deal.moved
                } else {
                    deal.close
                };
                insert
                    .execute(params![
                        n,
                        format!("Opportunity {n}"),
                        deal.customer,
                        deal.csm,
                        deal.rep,
                        deal.kind,
                        deal.source,
                        deal.product,
                        deal.stage,
                        value,
                        deal.estimate,
                        probability,
                        deal.identified,
                        entered,
                        deal.close,
                        deal.reason
                    ])
                    .unwrap();
            }
        }
        connection
            .execute_batch(
                "COMMIT;
                 CREATE INDEX by_stage ON deal (stage, close, value, probability, kind, entered, identified, csm, reason);
                 CREATE INDEX by_csm ON deal (csm, kind, stage, close, value, probability, entered);
                 CREATE INDEX by_customer ON deal (customer, stage, value, probability, close);
                 CREATE INDEX by_identified ON deal (identified, estimate);
                 CREATE INDEX by_move ON move (deal, at, stage);
                 ANALYZE;",
            )
            .unwrap();
        Tables {
            connection,
            today: generate::today(),
        }
    }

    /// Asks a question and reads every row of its answer.
    pub fn ask(&self, question: Question) {
        let today = day(self.today);
        let first = |month: u32| day(NaiveDate::from_ymd_opt(self.today.year(), month, 1).unwrap());
        let (quarter, quarter_end, month, month_end) =
            (first(1), first(4) - 1, first(2), first(3) - 1);
        let week = today - 3;
        let year = today - 364;
        match question {
            Question::Pipeline => {
                self.all(
                    "SELECT stage, kind, count(*), sum(value), sum((value * probability + 5000) / 10000), avg(?1 - entered)
                     FROM deal WHERE stage < 4 GROUP BY stage, kind",
                    &[today],
                );
                self.all(
                    "SELECT stage, count(*), sum(value) FROM deal WHERE stage IN (4, 5) AND close BETWEEN ?1 AND ?2 GROUP BY stage",
                    &[quarter, quarter_end],
                );
                self.all("SELECT count(*), sum(estimate) FROM deal WHERE identified BETWEEN ?1 AND ?2", &[week, today]);
                self.all(
                    "SELECT stage, count(*), sum(value) FROM deal WHERE stage IN (4, 5) AND close BETWEEN ?1 AND ?2 GROUP BY stage",
                    &[week, today],
                );
            }
            Question::PipelineRegion => self.all(
                "SELECT stage, count(*), sum(value), sum((value * probability + 5000) / 10000), avg(?1 - entered)
                 FROM deal WHERE csm = 7 AND kind = 0 AND stage < 4 GROUP BY stage",
                &[today],
            ),
            Question::Forecast => {
                self.all(
                    "SELECT close / 31, sum(value) FROM deal WHERE stage = 4 AND close BETWEEN ?1 AND ?2 GROUP BY 1",
                    &[quarter, quarter_end],
                );
                self.all(
                    "SELECT stage, close / 31, count(*), sum(value), sum((value * probability + 5000) / 10000) FROM deal
                     WHERE stage < 4 AND close BETWEEN ?1 AND ?2 GROUP BY 1, 2",
                    &[quarter, quarter_end],
                );
                self.all(
                    "SELECT stage, count(*) FROM deal WHERE stage IN (4, 5) AND close BETWEEN ?1 AND ?2 GROUP BY stage",
                    &[year, today],
                );
            }
            Question::ListClosing => {
                self.all(
                    "SELECT stage, count(*), sum(value), sum((value * probability + 5000) / 10000) FROM deal
                     WHERE stage < 4 AND close BETWEEN ?1 AND ?2 GROUP BY stage",
                    &[month, month_end],
                );
                self.all(
                    "SELECT id, name, customer, stage, value, close FROM deal WHERE stage < 4 AND close BETWEEN ?1 AND ?2
                     ORDER BY value DESC LIMIT 20",
                    &[month, month_end],
                );
            }
            Question::ListCustomer => {
                self.all(
                    "SELECT stage, count(*), sum(value) FROM deal WHERE customer = ?1 AND stage < 4 GROUP BY stage",
                    &[17],
                );
                self.all(
                    "SELECT id, name, customer, stage, value, close FROM deal WHERE customer = ?1 AND stage < 4
                     ORDER BY value DESC LIMIT 20",
                    &[17],
                );
            }
            Question::WinRate => {
                self.all(
                    "SELECT stage, count(*), sum(value), avg(close - identified) FROM deal
                     WHERE stage IN (4, 5) AND close BETWEEN ?1 AND ?2 GROUP BY stage",
                    &[year, today],
                );
                self.all(
                    "SELECT reason, count(*), sum(value) FROM deal WHERE stage = 5 AND close BETWEEN ?1 AND ?2 GROUP BY reason",
                    &[year, today],
                );
            }
            Question::WinRateByCsm => self.all(
                "SELECT csm, stage, count(*), sum(value), avg(close - identified) FROM deal
                 WHERE stage IN (4, 5) AND close BETWEEN ?1 AND ?2 GROUP BY csm, stage",
                &[year, today],
            ),
            Question::Analytics => {
                self.all(
                    "SELECT stage, close / 31, count(*), sum(value), sum(close - identified) FROM deal
                     WHERE stage IN (4, 5) AND close BETWEEN ?1 AND ?2 GROUP BY 1, 2",
                    &[year, today],
                );
                self.all(
                    "SELECT reason, count(*), sum(value) FROM deal WHERE stage = 5 AND close BETWEEN ?1 AND ?2 GROUP BY reason",
                    &[year, today],
                );
                self.all(
                    "SELECT source, stage, count(*), sum(CASE WHEN close BETWEEN ?1 AND ?2 THEN value END) FROM deal GROUP BY 1, 2",
                    &[year, today],
                );
            }
            Question::PipelineAsOf => {
                let then = today - 90;
                // Of each deal the last move up to then: SQLite takes `stage` from the row of the maximum.
                // One pass for what the live question asks in four statements.
                self.all(
                    "SELECT m.stage, kind, count(*), sum(estimate), sum((estimate * (CASE m.stage WHEN 0 THEN 1000 WHEN 1 THEN 4000
                       WHEN 2 THEN 6000 ELSE 8000 END) + 5000) / 10000), avg(?1 - m.at), sum(m.at BETWEEN ?2 AND ?1),
                       sum(CASE WHEN m.at BETWEEN ?2 AND ?1 THEN value END), sum(m.at BETWEEN ?3 AND ?1),
                       sum(CASE WHEN m.at BETWEEN ?3 AND ?1 THEN value END)
                     FROM (SELECT deal, max(at) AS at, stage FROM move WHERE at <= ?1 GROUP BY deal) m JOIN deal ON deal.id = m.deal
                     WHERE m.stage < 4 OR m.at >= ?2 GROUP BY m.stage, kind",
                    &[then, day(NaiveDate::from_ymd_opt(2025, 10, 1).unwrap()), then - 4],
                );
                self.all(
                    "SELECT count(*), sum(estimate) FROM deal WHERE identified BETWEEN ?1 AND ?2",
                    &[then - 4, then],
                );
            }
            Question::Changes => self.all(
                "SELECT b.stage IS NULL OR b.stage >= 4, e.stage >= 4, e.stage, count(*), sum(estimate)
                 FROM (SELECT deal, max(at), stage FROM move WHERE at <= ?2 GROUP BY deal) e JOIN deal ON deal.id = e.deal
                 LEFT JOIN (SELECT deal, max(at), stage FROM move WHERE at < ?1 GROUP BY deal) b ON b.deal = e.deal
                 WHERE (b.stage IS NULL OR b.stage < 4) AND NOT (b.stage IS NULL AND e.stage >= 4) GROUP BY 1, 2, 3",
                &[month, today],
            ),
            Question::OneDeal => {
                self.all("SELECT * FROM deal WHERE id = ?1", &[17]);
                self.all("SELECT at, stage FROM move WHERE deal = ?1 ORDER BY at", &[17]);
            }
            Question::AnalyticsByCsm => {
                self.all(
                    "SELECT csm, stage, count(*), sum(value), avg(close - identified) FROM deal
                     WHERE stage IN (4, 5) AND close BETWEEN ?1 AND ?2 GROUP BY csm, stage",
                    &[year, today],
                );
                self.all(
                    "SELECT csm, stage >= 1, count(*), sum(value), sum((value * probability + 5000) / 10000)
                     FROM deal WHERE stage < ?1 GROUP BY 1, 2",
                    &[4],
                );
            }
        }
    }

    fn all(&self, sql: &str, parameters: &[i32]) {
        let mut statement = self.connection.prepare_cached(sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement
            .query(rusqlite::params_from_iter(parameters))
            .unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                std::hint::black_box(row.get_ref(column).unwrap());
            }
        }
    }
}

/// What SQLite's own synced commit of one row costs here: the median of forty.
pub fn synced_commit(path: &Path) -> Duration {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (n INTEGER PRIMARY KEY, v INT)")
        .unwrap();
    crate::timed(40, || {
        connection
            .execute("INSERT INTO t (v) VALUES (1)", [])
            .unwrap();
    })
}
