//! `cargo run -- new DIR`: writes a project of one's own.
//!
//! The files are those of this repository, so the new project has the same apps and the same template. Only the files
//! that say how the project is built are different. `files.rs` lists all of them.

mod files;
mod options;

pub use options::NewOptions;

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use self::options::Framework;

/// The longest name of a project. It is also a part of the name of the stack on AWS, which may have 128 characters.
const LONGEST_NAME: usize = 60;

/// Writes the project, and returns what to do next. The error is one line, and then nothing was written.
pub(crate) fn run(options: &NewOptions) -> Result<String, String> {
    let folder = std::path::absolute(&options.dir)
        .map_err(|problem| format!("{} is no path: {problem}", options.dir.display()))?;
    let name = match &options.name {
        Some(name) => name.clone(),
        None => capitalised(&folder.file_name().unwrap_or_default().to_string_lossy()),
    };
    let stack = stack_name(&name)?;
    let framework = Framework::of(options)?;
    make(&folder, |to| write(to, &name, &stack, &framework))?;
    Ok(next_steps(&options.dir, &folder, &framework))
}

/// Returns the name with a capital letter at its beginning.
fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Returns the name of the stack on AWS for a project of this name: its letters and digits, in lower case, with hyphens
/// between its words. CloudFormation wants a letter at the beginning, and no other signs.
fn stack_name(name: &str) -> Result<String, String> {
    if name.chars().any(char::is_control) || name.chars().count() > LONGEST_NAME {
        return Err(format!(
            "the name has more than {LONGEST_NAME} characters, or a control character: give another with --name"
        ));
    }
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let stack = words.join("-");
    if !stack.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(format!(
            "the name {name:?} does not begin with a letter from a to z, which AWS wants: give another with --name"
        ));
    }
    Ok(stack)
}

/// Makes the folder, all of it or nothing. It writes into a folder beside it first.
fn make(folder: &Path, write: impl FnOnce(&Path) -> Result<(), String>) -> Result<(), String> {
    let place = folder.display();
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => return Err(format!("{place} is not empty: give a folder that does not exist yet")),
        Err(problem) if problem.kind() == ErrorKind::NotFound => {}
        Err(problem) => return Err(format!("{place} cannot be used: {problem}")),
    }
    let (Some(parent), Some(last)) = (folder.parent(), folder.file_name()) else {
        return Err(format!("{place} cannot be used: it has no name"));
    };
    let unfinished = parent.join(format!(".{}.{}", last.to_string_lossy(), std::process::id()));
    let written = write(&unfinished).and_then(|()| {
        fs::rename(&unfinished, folder).map_err(|problem| format!("{place} cannot be made: {problem}"))
    });
    if written.is_err() {
        let _ = fs::remove_dir_all(&unfinished);
    }
    written
}

fn write(folder: &Path, name: &str, stack: &str, framework: &Framework) -> Result<(), String> {
    for file in files::all() {
        let path = folder.join(file.path);
        let text = file.filled(name, stack, framework);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|problem| format!("{} cannot be written: {problem}", file.path))?;
    }
    Ok(())
}

fn next_steps(given: &Path, folder: &Path, framework: &Framework) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Wrote {} files into {}.\n", files::all().count(), folder.display());
    let _ = writeln!(text, "  cd {}", quoted(given));
    let _ = writeln!(text, "  cargo run     # then open http://127.0.0.1:8000/httptester/");
    let _ = writeln!(text, "  cargo test    # plays tests/transcripts/\n");
    let _ = writeln!(text, "Read its README.md next.");
    if let Framework::Path(_) = framework {
        let _ = writeln!(
            text,
            "Cargo.toml takes the framework from this machine. Before others build the project, put a version or a\n\
             Git URL there."
        );
    }
    text
}

/// Returns the path as one types it in a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-~+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(dir: &Path) -> NewOptions {
        NewOptions {
            dir: dir.to_owned(),
            name: None,
            path: None,
            git: None,
            tag: None,
            use_version: Some("0.1.0".into()),
        }
    }

    #[test]
    fn names_of_stacks_have_letters_digits_and_hyphens() {
        for (name, stack) in [
            ("Clinic", "clinic"),
            ("Health workers (Kisumu)", "health-workers-kisumu"),
            ("a--b_c", "a-b-c"),
            ("Café 24", "caf-24"),
        ] {
            assert_eq!(stack_name(name).as_deref(), Ok(stack), "{name}");
        }
        for name in ["", "24", "-", "ጤና", "a\nb", &"a".repeat(61)] {
            let problem = stack_name(name).unwrap_err();
            assert!(problem.ends_with("give another with --name"), "{name:?}: {problem}");
        }
    }

    #[test]
    fn a_folder_that_is_not_empty_stays_as_it_is() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("clinic");
        fs::create_dir(&folder).unwrap();
        run(&options(&folder)).unwrap();
        let problem = run(&options(&folder)).unwrap_err();
        assert_eq!(
            problem,
            format!("{} is not empty: give a folder that does not exist yet", folder.display())
        );
        let file = above.path().join("file");
        fs::write(&file, "mine").unwrap();
        let problem = run(&options(&file)).unwrap_err();
        assert_eq!(problem, format!("{} cannot be used: Not a directory (os error 20)", file.display()));
        let names: Vec<_> =
            fs::read_dir(above.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "nothing unfinished is left: {names:?}");
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("clinic");
        let problem = make(&folder, |to| {
            fs::create_dir_all(to).unwrap();
            fs::write(to.join("half"), "").unwrap();
            Err("the disk is full".to_owned())
        });
        assert_eq!(problem, Err("the disk is full".to_owned()));
        assert_eq!(fs::read_dir(above.path()).unwrap().count(), 0);
    }

    #[test]
    fn paths_are_quoted_for_the_shell() {
        assert_eq!(quoted(Path::new("../clinic")), "../clinic");
        assert_eq!(quoted(Path::new("my clinic's")), r"'my clinic'\''s'");
    }
}
