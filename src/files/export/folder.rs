//! A folder that comes into being whole: it is written under another name beside its place, and takes
//! its own name when all of it is on disk. What fails before leaves nothing behind.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crate::refusal::{Code, Refusal, Result};

/// A folder on its way. Dropping it before it is finished removes it.
#[derive(Debug)]
pub struct Folder {
    place: PathBuf,
    partial: PathBuf,
    is_finished: bool,
}

impl Folder {
    /// Begins a folder at a place where there is none, or an empty one.
    pub fn begin(place: &Path) -> Result<Folder> {
        let taken = |what: &str| {
            Refusal::new(Code::NotEmpty, format!("{} {what}.", place.display()))
                .hint("Name a new or empty folder; nothing was written.")
        };
        match fs::read_dir(place).map(|mut entries| entries.next().is_some()) {
            Ok(true) => return Err(taken("is not empty")),
            Ok(false) => {}
            Err(_) if place.is_dir() => return Err(taken("cannot be looked into")),
            Err(_) if place.symlink_metadata().is_ok() => return Err(taken("is no folder")),
            Err(_) => {}
        }
        let fail = |error| not_writable(place, &error);
        // A path such as `out/` or `.` has no last part to set another name beside.
        let absolute = std::path::absolute(place).map_err(fail)?;
        let absolute: PathBuf = absolute.components().collect();
        let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(taken("is no place for a folder"));
        };
        fs::create_dir_all(parent).map_err(fail)?;
        let name = name.to_string_lossy();
        let partial = parent.join(format!(".{name}.partial-{}", std::process::id()));
        fs::create_dir(&partial).map_err(fail)?;
        Ok(Folder {
            place: absolute,
            partial,
            is_finished: false,
        })
    }

    /// Writes one file of it, down to the disk.
    pub fn file<T, E: From<Refusal>>(
        &self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<T, E>,
    ) -> Result<T, E> {
        let file = File::create_new(self.partial.join(name)).map_err(|error| self.fault(&error))?;
        let mut out = BufWriter::new(file);
        let written = write(&mut out)?;
        out.into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .map_err(|error| self.fault(&error))?;
        Ok(written)
    }

    /// The refusal of what went wrong while a file was written.
    pub fn fault(&self, error: &io::Error) -> Refusal {
        if error.kind() == io::ErrorKind::InvalidData {
            return Refusal::new(
                Code::DamagedDatabase,
                format!("The database is damaged ({error})."),
            )
            .hint("`expansion-pipeline check` says more; restore it from a backup.");
        }
        not_writable(&self.place, error)
    }

    /// Gives it its name.
    pub fn finish(mut self) -> Result<()> {
        // An empty folder that is there makes room; one that was filled meanwhile stays.
        let is_there = self.place.is_dir();
        let moved = if is_there {
            fs::remove_dir(&self.place)
        } else {
            Ok(())
        };
        moved
            .and_then(|()| fs::rename(&self.partial, &self.place))
            .map_err(|error| self.fault(&error))?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// The refusal of a place that cannot be written.
pub fn not_writable(place: &Path, error: &io::Error) -> Refusal {
    let code = match error.kind() {
        // A quota or a limit on the size of files stops a write as a full disk does.
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Code::DiskFull
        }
        _ => Code::FileNotWritable,
    };
    Refusal::new(
        code,
        format!("{} cannot be written: {error}.", place.display()),
    )
    .hint("Nothing was left there; name a place that can be written.")
}
