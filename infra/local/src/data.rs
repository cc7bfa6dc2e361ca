//! The data folder. One stack uses it alone, checks it before use, and watches it.
//!
//! If a file is deleted while a process has it open, the process can still write to it, but all data is lost at the end
//! of the process. So the files in the folder must be the files that were opened. If they are not, nothing may be
//! acknowledged.

use std::fs::{File, Metadata, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use crate::setup::StartError;

/// The name of the table's file.
pub(crate) const DYNAMODB: &str = "dynamodb.sqlite";

/// The name of the queues' file.
pub(crate) const SQS: &str = "sqs.sqlite";

/// The files, in the order in which they are made in a new folder.
const FILES: [&str; 2] = [SQS, DYNAMODB];

/// The suffix of a file that is not finished yet.
const UNFINISHED: &str = ".new";

/// The suffixes of the files that SQLite keeps beside a database: the commits that are not in the database yet, and an
/// index of them.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// A folder that this stack alone uses. The lock ends when this value is dropped, and also if the process dies.
pub(crate) struct Data {
    folder: PathBuf,
    _claim: File,
    watched: Vec<Watched>,
}

/// A file, as it was when it was opened.
struct Watched {
    name: String,
    identity: (u64, u64),
    /// The largest size of the file so far, in bytes. None of these files gets shorter while it is open.
    length: AtomicU64,
}

impl Data {
    /// Makes the folder and locks it for this stack alone. A second stack on the same folder would hand out jobs that
    /// the first stack is working on.
    pub(crate) fn claim(folder: &Path) -> Result<Self, StartError> {
        let failed = |problem| failed(folder, &problem);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let claim = File::create(folder.join("lock")).map_err(failed)?;
        match claim.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _claim: claim, watched: Vec::new() }),
            Err(TryLockError::WouldBlock) => Err(not_opened(folder, "another stack uses it")),
            Err(TryLockError::Error(problem)) => Err(failed(problem)),
        }
    }

    /// Returns the path of a file.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Checks the files. In a new folder, it calls `make` for each file: `make` leaves a closed database at the given
    /// path. After success, both files are there. After an error, a new folder has no files.
    ///
    /// # Errors
    /// Fails if a file is missing, empty or damaged. Otherwise its data would be lost without any message.
    pub(crate) fn prepare(&self, make: impl Fn(&str, &Path) -> Result<(), String>) -> Result<(), StartError> {
        let problem = |problem: String| not_opened(&self.folder, &problem);
        let there = FILES.map(|name| self.file(name).exists());
        // The first file is made before the second. If only the second is missing, nothing was acknowledged yet.
        let interrupted = there == [true, false] && self.unfinished(DYNAMODB).exists();
        for name in FILES.iter().filter(|name| self.file(name).exists()) {
            sound(&self.file(name)).map_err(problem)?;
        }
        if there == [true, true] {
            return Ok(());
        }
        if there != [false, false] && !interrupted {
            let missing = if there[0] { DYNAMODB } else { SQS };
            return Err(problem(self.lost(missing, "is missing")));
        }
        if interrupted {
            remove(&self.file(SQS)).map_err(problem)?;
        }
        for name in FILES {
            if self.file(&format!("{name}-wal")).exists() {
                return Err(problem(self.lost(name, "is missing, but its log is there")));
            }
        }
        for name in FILES {
            remove(&self.unfinished(name)).map_err(problem)?;
            make(name, &self.unfinished(name)).map_err(problem)?;
            if self.file(&format!("{name}{UNFINISHED}-wal")).exists() {
                return Err(problem(format!("{name} could not be completed")));
            }
        }
        for name in FILES {
            let moved = std::fs::rename(self.unfinished(name), self.file(name));
            moved.map_err(|error| problem(format!("{name}: {error}")))?;
        }
        Ok(())
    }

    fn unfinished(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{UNFINISHED}"))
    }

    fn lost(&self, name: &str, what: &str) -> String {
        format!("{name} {what}. {}", way_out(&self.folder))
    }

    /// Starts to watch the files, which are open by now.
    pub(crate) fn watch(&mut self) -> Result<(), StartError> {
        let logs = FILES.iter().map(|name| format!("{name}-wal"));
        for name in FILES.iter().map(|name| (*name).to_owned()).chain(logs) {
            match std::fs::metadata(self.file(&name)) {
                Ok(found) => self.watched.push(Watched {
                    name,
                    identity: identity(&found),
                    length: AtomicU64::new(found.len()),
                }),
                Err(problem) if problem.kind() == ErrorKind::NotFound && name.ends_with("-wal") => {}
                Err(problem) => return Err(failed(&self.folder, &problem)),
            }
        }
        Ok(())
    }

    /// Returns a problem with the files, if there is one. While there is a problem, nothing may be acknowledged.
    pub(crate) fn problem(&self) -> Option<String> {
        let problem = self.watched.iter().find_map(|file| {
            let what = match std::fs::metadata(self.file(&file.name)) {
                Err(problem) if problem.kind() == ErrorKind::NotFound => "was deleted or moved".to_owned(),
                Err(problem) => format!("cannot be read ({problem})"),
                Ok(found) if identity(&found) != file.identity => "was replaced by another file".to_owned(),
                Ok(found) if found.len() < file.length.fetch_max(found.len(), Ordering::Relaxed) => {
                    "became shorter".to_owned()
                }
                Ok(_) => return None,
            };
            Some(format!("{} {what}", file.name))
        })?;
        Some(format!(
            "Service Unavailable: {problem} in {} while the stack was running. The stack accepts nothing until you undo \
             this or start the stack again",
            self.folder.display()
        ))
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Checks a database that nobody has open.
fn sound(file: &Path) -> Result<(), String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let folder = file.parent().unwrap_or(Path::new("."));
    let is = |what: &str| format!("{name} {what}. {}", way_out(folder));
    // SQLite would take an empty file for a new database.
    let length = std::fs::metadata(file).map_err(|problem| format!("{name}: {problem}"))?.len();
    if length == 0 {
        return Err(is("is empty, so its data is lost"));
    }
    let checked = Connection::open(file).and_then(|connection| {
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    });
    match checked.as_deref() {
        Ok("ok") => Ok(()),
        // The details of the damage help nobody.
        Ok(_) => Err(is("is damaged")),
        Err(rusqlite::Error::SqliteFailure(failure, _)) if is_damage(failure.code) => {
            Err(is(&format!("is damaged ({failure})")))
        }
        Err(problem) => Err(format!("{name}: {problem}")),
    }
}

fn is_damage(code: rusqlite::ErrorCode) -> bool {
    matches!(code, rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
}

fn way_out(folder: &Path) -> String {
    format!(
        "Restore a copy of the whole folder, or move {} away to start again without its data",
        folder.display()
    )
}

fn failed(folder: &Path, problem: &std::io::Error) -> StartError {
    not_opened(
        folder,
        &format!(
            "{problem}. Check that it is a folder and that this user may write to it, or name another folder with --data"
        ),
    )
}

/// Makes the error for a folder that cannot be used.
pub(crate) fn not_opened(folder: &Path, problem: &str) -> StartError {
    StartError::Data { place: folder.display().to_string(), problem: problem.to_owned() }
}

/// Removes a database, if it is there.
fn remove(file: &Path) -> Result<(), String> {
    for end in BESIDE.into_iter().chain([""]) {
        let mut path = file.as_os_str().to_owned();
        path.push(end);
        match std::fs::remove_file(&path) {
            Err(problem) if problem.kind() != ErrorKind::NotFound => {
                return Err(format!("{}: {problem}", Path::new(&path).display()));
            }
            _ => {}
        }
    }
    Ok(())
}
