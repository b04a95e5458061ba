//! Servers in processes of their own, and what they take of the machine.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::generate;

/// A server that listens, until it is dropped.
pub struct Server {
    child: Child,
    /// Where, as `127.0.0.1:PORT`.
    pub address: String,
}

impl Server {
    /// The program, on this database.
    pub fn of(database: &Path) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_expansion-pipeline"));
        command.arg("--db").arg(database);
        command.args(["--today", &generate::today().to_string()]);
        command.args(["serve", "--http", "127.0.0.1:0"]);
        Server::start(command)
    }

    /// The bare one.
    pub fn echo() -> Server {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("echo");
        Server::start(command)
    }

    fn start(mut command: Command) -> Server {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.starts_with("Listening on"));
        let line = line.expect("it says where it listens");
        let address = line.split("http://").nth(1).unwrap();
        let address = address.split(',').next().unwrap().to_owned();
        // Whatever else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Server { child, address }
    }

    /// The time of processors it has used so far.
    pub fn used(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // After the name, which may hold spaces: user and system time are the 12th and 13th field.
        let after = stat.rsplit(')').next().unwrap();
        let ticks = after.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Memory and open files: kB resident, and how many descriptors.
    pub fn holds(&self) -> (u64, usize) {
        let process = format!("/proc/{}", self.child.id());
        let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS"));
        let resident = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        let files = std::fs::read_dir(format!("{process}/fd")).unwrap().count();
        (resident.unwrap(), files)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
