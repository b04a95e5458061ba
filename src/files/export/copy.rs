//! A file that comes into being whole: it is written under another name beside its place, and takes its
//! own name, if that is still free, when all of it is on disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::folder::not_writable;
use crate::refusal::{Code, Refusal, Result};

/// A file on its way. Dropping it before it is finished removes it.
#[derive(Debug)]
pub struct Copy {
    place: PathBuf,
    partial: PathBuf,
}

impl Copy {
    /// Begins a file at a place where there is none.
    pub fn begin(place: &Path) -> Result<Copy> {
        if place.symlink_metadata().is_ok() {
            return Err(taken(place));
        }
        let Some(name) = place.file_name() else {
            return Err(taken(place));
        };
        let partial = format!(".{}.partial-{}", name.to_string_lossy(), std::process::id());
        let partial = place.with_file_name(partial);
        // What an earlier process of the same number left behind is no backup.
        remove(&partial);
        Ok(Copy {
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

/// Removes a database file and what SQLite keeps beside it.
fn remove(path: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let _ = fs::remove_file(name);
    }
}

fn taken(place: &Path) -> Refusal {
    let what = if place.is_dir() {
        "is a folder"
    } else {
        "is there already"
    };
    Refusal::new(Code::NotEmpty, format!("{} {what}.", place.display())).hint(
        "A backup never replaces anything: name a new file, such as pipeline-2026-01-31.db; nothing was written.",
    )
}
