//! The two images that a cluster needs before it can run any other: the sandbox that holds a pod's namespaces, and a
//! small shell for the pods that make and remove volumes. Both are Debian's static programs on an empty base, built once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ottla_harness::cache;

use crate::images::build_archive;
use crate::{program, progress};

/// Holds a pod's namespaces and reaps its orphans.
pub const PAUSE: &str = "localhost/ottla/pause:1";
/// A shell and a few tools.
pub const SHELL: &str = "localhost/ottla/shell:1";

/// The names under which the shell's one program is called.
const APPLETS: [&str; 12] =
    ["sh", "mkdir", "rm", "cat", "ls", "chmod", "sleep", "nslookup", "wget", "nc", "id", "touch"];

/// The archives of both images, built when they are missing.
pub fn archives() -> Result<[PathBuf; 2]> {
    let directory = cache::folder("kubernetes/images")?;
    let pause = directory.join("pause-1.tar");
    let shell = directory.join("shell-1.tar");
    if !pause.exists() {
        let step = progress::step("build the sandbox image");
        let context = directory.join("pause");
        copy_program("catatonit", &context.join("catatonit"))?;
        fs::write(
            context.join("Dockerfile"),
            "FROM scratch\nCOPY catatonit /catatonit\nENTRYPOINT [\"/catatonit\", \"-P\"]\n",
        )?;
        build_archive(&context, PAUSE, &pause)?;
        step.done();
    }
    if !shell.exists() {
        let step = progress::step("build the shell image");
        let context = directory.join("shell");
        let programs = context.join("bin");
        copy_program("busybox", &programs.join("busybox"))?;
        for applet in APPLETS {
            let link = programs.join(applet);
            if !link.is_symlink() {
                std::os::unix::fs::symlink("busybox", &link).with_context(|| format!("link {}", link.display()))?;
            }
        }
        fs::write(context.join("Dockerfile"), "FROM scratch\nCOPY bin /bin\n")?;
        build_archive(&context, SHELL, &shell)?;
        step.done();
    }
    Ok([pause, shell])
}

fn copy_program(name: &str, to: &Path) -> Result<()> {
    let from = program::find(name).with_context(|| format!("{name} is not installed"))?;
    fs::create_dir_all(to.parent().expect("a file lies in a directory")).context("make the build context")?;
    fs::copy(&from, to).with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
