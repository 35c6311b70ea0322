//! `kobench plugin new`.

use super::{CliError, Exit};
use crate::error::Error;
use crate::plugin_new::{Arch, Created, Language, Wanted, Workspace, create};
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The plugin's name: a-z, 0-9 and -.
    name: String,
    /// The architecture of its models.
    #[arg(long, value_enum)]
    arch: Arch,
    /// The language of the plugin.
    #[arg(long = "lang", value_enum, default_value_t)]
    language: Language,
    /// The folder to make [default: NAME].
    #[arg(long, short = 'o', value_name = "DIR")]
    output: Option<PathBuf>,
    /// The source tree of kobench [default: the one above DIR, or above the current folder].
    #[arg(long, value_name = "PATH")]
    kobench: Option<PathBuf>,
}

pub(super) fn run(args: &Args, to: &mut dyn Write) -> Result<Exit, CliError> {
    let created = create(&Wanted {
        name: args.name.clone(),
        arch: args.arch,
        language: args.language,
        folder: args.output.clone(),
        kobench: args.kobench.clone(),
    })?;
    tell(&created, args.arch, to).map_err(Error::from)?;
    Ok(Exit::Done)
}

fn tell(created: &Created, arch: Arch, to: &mut dyn Write) -> std::io::Result<()> {
    let folder = created.folder.display();
    for file in &created.files {
        writeln!(to, "wrote {}", created.folder.join(file).display())?;
    }
    match &created.workspace {
        Workspace::Own => {}
        Workspace::Added(manifest) => {
            writeln!(to, "added it to the members in {}", manifest.display())?;
        }
        Workspace::ToAdd(manifest, line) => {
            writeln!(to, "add this line to the members in {}: {line}", manifest.display())?;
        }
    }
    let checkpoint = if arch == Arch::Custom { "" } else { " --checkpoint DIR" };
    writeln!(to, "\nNext (README.md says more):")?;
    writeln!(to, "  cd {folder} && {}", created.build)?;
    writeln!(to, "  kobench plugin check {}{checkpoint}", created.library.display())
}
