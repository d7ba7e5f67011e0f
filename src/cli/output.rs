//! Output of commands, and questions to the user.

use std::fmt::Arguments;
use std::io::{BufRead as _, IsTerminal as _, Write};

use super::failure::Failure;

/// Prints a line to standard output: a result of the command.
macro_rules! outln {
    ($($text:tt)*) => { $crate::cli::output::line(std::io::stdout(), format_args!($($text)*)) };
}

/// Prints a line to standard error: a failure, or anything else that is not a result.
macro_rules! errln {
    ($($text:tt)*) => { $crate::cli::output::line(std::io::stderr(), format_args!($($text)*)) };
}

/// Writes a line. A closed pipe (`| head`) does not abort the command, as it would with `println!`.
pub(super) fn line(mut out: impl Write, text: Arguments<'_>) {
    let _ = writeln!(out, "{text}");
}

/// Prints a report as JSON.
pub(super) fn print_json(report: &impl serde::Serialize) -> Result<(), Failure> {
    outln!("{}", serde_json::to_string_pretty(report).map_err(Failure::of)?);
    Ok(())
}

/// Prints reports as one JSON document, or each of them with `print`.
pub(super) fn print_all<T: serde::Serialize>(
    reports: &[T],
    json: bool,
    print: impl FnMut(&T),
) -> Result<(), Failure> {
    if json {
        return print_json(&reports);
    }
    reports.iter().for_each(print);
    Ok(())
}

/// Asks the user to confirm, unless `yes` does so already. Fails where nobody can answer.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let text = format!("{question}\nStandard input is not a terminal: confirm with --yes");
        return Err(Failure::Usage(text));
    }
    let mut out = std::io::stderr();
    write!(out, "{question}\nType yes to continue: ").and_then(|()| out.flush()).map_err(Failure::of)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(Failure::of)?;
    if answer.trim() == "yes" { Ok(()) } else { Err(Failure::Failed("nothing was changed".to_owned())) }
}
