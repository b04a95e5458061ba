//! A file that comes into being whole: it is written under another name beside its place, and takes its
//! own name, if that is still free, when all of it is on disk.

use std::fs::{self, File, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use super::folder::not_writable;
use crate::refusal::{Code, Refusal, Result};

/// A file on its way. Dropping it before it is finished removes it.
#[derive(Debug)]
pub struct Copy {
    permissions: Permissions,
    place: PathBuf,
    partial: PathBuf,
}

impl Copy {
    /// Begins a copy of a database at a place where there is no file.
    pub fn begin(original: &Path, place: &Path) -> Result<Copy> {
        if place.symlink_metadata().is_ok() {
            return Err(taken(place));
        }
        let Some(name) = place.file_name() else {
            return Err(taken(place));
        };
        if is_beside(original, place) {
            let message = format!(
                "{} is what SQLite keeps beside the database.",
                place.display()
            );
            return Err(Refusal::new(Code::NotEmpty, message).hint(ANOTHER));
        }
        let folder = folder(place);
        if !folder.is_dir() {
            let message = format!("The folder {} does not exist.", folder.display());
            return Err(Refusal::new(Code::FileNotWritable, message)
                .hint("Create it first; nothing was written."));
        }
        let partial = format!(".{}.partial-{}", name.to_string_lossy(), std::process::id());
        let partial = place.with_file_name(partial);
        // What an earlier process of the same number left behind is no backup.
        remove(&partial);
        let fail = |error: io::Error| not_writable(place, &error);
        let permissions = fs::metadata(original).map_err(fail)?.permissions();
        // Nobody reads it before it is whole, and then whoever may read the database.
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&partial).map_err(fail)?;
        Ok(Copy {
            permissions,
            place: place.to_owned(),
            partial,
        })
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Gives it its name, and returns its size.
    pub fn finish(self) -> Result<u64> {
        let fail = |error: io::Error| not_writable(&self.place, &error);
        let file = File::open(&self.partial).map_err(fail)?;
        file.set_permissions(self.permissions.clone())
            .map_err(fail)?;
        file.sync_all().map_err(fail)?;
        let bytes = file.metadata().map_err(fail)?.len();
        // A second name is refused where there is one; where the disk knows no second names, look first.
        match fs::hard_link(&self.partial, &self.place) {
            Ok(()) => {}
            Err(_) if self.place.symlink_metadata().is_ok() => return Err(taken(&self.place)),
            Err(_) => fs::rename(&self.partial, &self.place).map_err(fail)?,
        }
        Ok(bytes)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        remove(&self.partial);
    }
}

/// How the names of the files end that SQLite keeps beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

const ANOTHER: &str = "A backup never replaces anything: name a new file, such as pipeline-2026-01-31.db; nothing was written.";

/// Removes a database file and what SQLite keeps beside it.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
    for end in BESIDE {
        let _ = fs::remove_file(with_end(path, end));
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Whether a place is one where SQLite keeps what belongs to a database.
fn is_beside(database: &Path, place: &Path) -> bool {
    let real = |path: &Path| {
        Some((
            fs::canonicalize(folder(path)).ok()?,
            path.file_name()?.to_owned(),
        ))
    };
    // By the name that was given, and by the one it is a link to.
    let names = [Some(database.to_owned()), fs::canonicalize(database).ok()];
    names.iter().flatten().any(|database| {
        BESIDE
            .iter()
            .any(|end| real(place).is_some() && real(&with_end(database, end)) == real(place))
    })
}

/// The folder that a path lies in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn taken(place: &Path) -> Refusal {
    let what = if place.is_dir() {
        "is a folder"
    } else {
        "is there already"
    };
    Refusal::new(Code::NotEmpty, format!("{} {what}.", place.display())).hint(ANOTHER)
}
