//! `thermocline completions`

use clap::CommandFactory as _;
use clap_complete::Shell;

/// Print a script that completes commands and options in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline completions bash > /etc/bash_completion.d/thermocline
  thermocline completions zsh > ~/.zfunc/_thermocline
  thermocline completions fish > ~/.config/fish/completions/thermocline.fish")]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &Args) {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "thermocline", &mut script);
    outln!("{}", String::from_utf8_lossy(&script).trim_end());
}
