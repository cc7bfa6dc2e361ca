//! The disk: files, and the folders that an `include` may name.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{LARGEST, ReadError};

/// Returns the bytes of a file.
pub(super) fn load(file: &Path) -> Result<Vec<u8>, ReadError> {
    let unreadable = |problem| ReadError::Unreadable { file: file.to_owned(), problem };
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(unreadable)?;
    // A device or a pipe might never end.
    opened.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ReadError::TooLarge { file: file.to_owned() });
    }
    Ok(bytes)
}

/// Returns the files that an `include` means, in the order of their names: one file, or the files of a folder (without
/// its subfolders). Kannel takes them in the order of the file system.
pub(super) fn files(named: &str) -> io::Result<Vec<PathBuf>> {
    let named = PathBuf::from(named);
    if !fs::metadata(&named)?.is_dir() {
        return Ok(vec![named]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&named)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
