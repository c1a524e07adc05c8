//! Running other programs from the workspace's root, with an error that names the command.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The workspace's root folder: the parent of this crate's own.
///
/// Cargo passes this crate's folder when it starts the command; the folder at compile time is used
/// when the binary is started by hand.
pub(crate) fn workspace_root() -> Result<PathBuf> {
    let own = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map(PathBuf::from).with_context(|| format!("{} has no parent folder", own.display()))
}

/// A call of the same cargo that started this command, in the workspace's root.
///
/// What cargo and rustup tell a program they start about its own package is taken away: build
/// scripts watch some of it and would run again for nothing.
pub(crate) fn cargo() -> Result<Command> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(workspace_root()?);
    for (name, _) in env::vars_os() {
        let own = name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if own {
            command.env_remove(name);
        }
    }
    Ok(command)
}

/// Runs a command to its end; its output goes where ours goes.
///
/// # Errors
///
/// When it cannot be started or ends with another code than zero.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = display(command);
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed with {status}");
    }
    Ok(())
}

/// Runs a command and returns what it wrote to its standard output.
///
/// # Errors
///
/// When it cannot be started, ends with another code than zero, or writes something that is no text.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = display(command);
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` did not write text"))
}

/// A command as one would type it.
fn display(command: &Command) -> String {
    let mut words = vec![program_name(command)];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

fn program_name(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    program
        .file_name()
        .map_or_else(|| program.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(workspace_root().unwrap().join("Cargo.lock").is_file());
    }

    #[test]
    fn a_failure_names_the_command() {
        let mut command = Command::new("cargo");
        command.arg("no-such-command-here").stderr(Stdio::null());
        let error = run(&mut command).unwrap_err();
        assert!(error.to_string().contains("`cargo no-such-command-here`"));
    }

    #[test]
    fn output_is_returned() {
        let version = output(Command::new("cargo").arg("--version")).unwrap();
        assert!(version.starts_with("cargo "), "{version}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(error.to_string().contains("no-such-program-here"));
    }
}
