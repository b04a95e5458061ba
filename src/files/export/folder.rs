//! A folder that comes into being whole: it is written under another name beside its place, and takes
//! its own name when all of it is on disk. One that is there already, and empty, is kept as it is (it may
//! be a link, the root of a disk, or have permissions of its own): it is written within it, and its files
//! take their places when all of them are on disk. What fails before leaves nothing behind.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crate::refusal::{Code, Refusal, Result};

/// The file that takes its place first.
const FIRST: &str = crate::files::log::NAME;
/// The beginning of the names of folders on their way within a folder.
const WITHIN: &str = ".partial-";

/// A folder on its way. Dropping it before it is finished removes it.
#[derive(Debug)]
pub struct Folder {
    place: PathBuf,
    partial: PathBuf,
    is_there: bool,
    is_finished: bool,
}

impl Folder {
    /// Begins a folder at a place where there is none, or an empty one.
    pub fn begin(place: &Path) -> Result<Folder> {
        let is_there = match is_filled(place) {
            Ok(true) => return Err(taken(place, "is not empty")),
            Ok(false) => true,
            Err(_) if place.is_dir() => return Err(taken(place, "cannot be looked into")),
            Err(_) if place.symlink_metadata().is_ok() => return Err(taken(place, "is no folder")),
            Err(_) => false,
        };
        let fail = |error| not_writable(place, &error);
        // A path such as `out/` or `.` has no last part to set another name beside.
        let absolute = std::path::absolute(place).map_err(fail)?;
        let absolute: PathBuf = absolute.components().collect();
        let process = std::process::id();
        let partial = if is_there {
            absolute.join(format!("{WITHIN}{process}"))
        } else {
            let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
                return Err(taken(place, "is no place for a folder"));
            };
            fs::create_dir_all(parent).map_err(fail)?;
            parent.join(format!(".{}.partial-{process}", name.to_string_lossy()))
        };
        // What an earlier process of the same number left behind is in nobody's use.
        let _ = fs::remove_dir_all(&partial);
        fs::create_dir(&partial).map_err(fail)?;
        Ok(Folder {
            place: absolute,
            partial,
            is_there,
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
        let finished = if self.is_there {
            // One that was filled meanwhile stays.
            if is_filled(&self.place).map_err(|error| self.fault(&error))? {
                return Err(taken(&self.place, "is not empty any more"));
            }
            self.move_in()
        } else {
            fs::rename(&self.partial, &self.place)
        };
        finished.map_err(|error| self.fault(&error))?;
        self.is_finished = true;
        Ok(())
    }

    fn move_in(&self) -> io::Result<()> {
        let mut files = fs::read_dir(&self.partial)?
            .map(|file| Ok(file?.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        // The log goes first: it alone says everything, should this be where the power goes.
        files.sort_by_key(|name| name.to_str() != Some(FIRST));
        let moved = files
            .iter()
            .try_for_each(|name| fs::rename(self.partial.join(name), self.place.join(name)));
        if moved.is_err() {
            for name in &files {
                let _ = fs::remove_file(self.place.join(name));
            }
        }
        moved.and_then(|()| fs::remove_dir(&self.partial))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// Whether a folder holds anything but what is on its way into it.
fn is_filled(place: &Path) -> io::Result<bool> {
    let mut entries = fs::read_dir(place)?;
    Ok(entries.any(|entry| {
        !entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(WITHIN))
    }))
}

fn taken(place: &Path, what: &str) -> Refusal {
    Refusal::new(Code::NotEmpty, format!("{} {what}.", place.display()))
        .hint("Name a new or empty folder; nothing was written.")
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
