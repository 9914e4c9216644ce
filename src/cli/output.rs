//! Results: files written whole or not at all, and stdout.

use super::fail::Fail;
use crate::lang::{Lang, recover as t};
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tempfile::NamedTempFile;

/// Temporary files that an interrupt must remove.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// On Ctrl-C, removes what is unfinished and ends with 130.
pub fn clean_up_on_interrupt() {
    // A second handler cannot be set; the first one does the same.
    let _ = ctrlc::set_handler(|| {
        if let Ok(files) = UNFINISHED.lock() {
            for file in files.iter() {
                let _ = std::fs::remove_file(file);
            }
        }
        std::process::exit(130);
    });
}

/// Writes `path` whole or not at all; `-` is stdout.
///
/// # Errors
/// Those of the file system, with the file's name.
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<(), Fail>) -> Result<(), Fail> {
    if path == Path::new("-") {
        return stdout(fill);
    }
    let mut file = BufWriter::with_capacity(1 << 20, Unfinished::create(path)?);
    fill(&mut file)?;
    file.into_inner().map_err(|error| written(path)(error.into_error()))?.finish()
}

/// A file that takes its place only when it is finished; dropped or interrupted before, it leaves nothing.
///
/// A place that exists and is no ordinary file (a device, a named pipe, `/dev/stdout`) is written straight, for a rename
/// would put an ordinary file where the device was. A link is followed: the file it leads to is replaced, not the link.
#[derive(Debug)]
pub struct Unfinished {
    to: Option<To>,
    place: PathBuf,
}

#[derive(Debug)]
enum To {
    /// Beside its place, where a rename puts it in the end.
    Beside(NamedTempFile),
    /// What is at the place already, and stays there.
    Straight(File),
}

impl Unfinished {
    /// Begins a file beside `place`, so that the final rename stays on one volume.
    ///
    /// # Errors
    /// Those of the file system, with the file's name.
    pub fn create(place: &Path) -> Result<Self, Fail> {
        let there = std::fs::metadata(place);
        if there.is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            let device = File::options().write(true).open(place).map_err(written(place))?;
            return Ok(Self { to: Some(To::Straight(device)), place: place.to_owned() });
        }
        let place = if place.is_symlink() { place.canonicalize().map_err(written(place))? } else { place.to_owned() };
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".pmlblame-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Temporary files are private by default; a result gets what the umask gives any new file.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder).map_err(|error| written(&place)(system(error)))?;
        if let Ok(mut files) = UNFINISHED.lock() {
            files.push(file.path().to_owned());
        }
        Ok(Self { to: Some(To::Beside(file)), place })
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Those of the file system, with the file's name.
    pub fn finish(mut self) -> Result<(), Fail> {
        let Some(To::Beside(file)) = self.to.take() else { return Ok(()) };
        let unfinished = file.path().to_owned();
        let kept = file.persist(&self.place).map_err(|error| written(&self.place)(error.error));
        forget(&unfinished);
        kept.map(drop)
    }

    fn inner(&mut self) -> io::Result<&mut File> {
        match &mut self.to {
            Some(To::Beside(file)) => Ok(file.as_file_mut()),
            Some(To::Straight(device)) => Ok(device),
            None => Err(io::Error::other("the file is finished")),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(To::Beside(file)) = self.to.take() {
            let unfinished = file.path().to_owned();
            drop(file);
            forget(&unfinished);
        }
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner()?.flush()
    }
}

impl Seek for Unfinished {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.inner()?.seek(to)
    }
}

fn forget(unfinished: &Path) {
    if let Ok(mut files) = UNFINISHED.lock() {
        files.retain(|file| file != unfinished);
    }
}

/// Writes to stdout, buffered.
///
/// # Errors
/// Those of stdout; a broken pipe is told apart by [`Fail::is_broken_pipe`].
pub fn stdout(fill: impl FnOnce(&mut dyn Write) -> Result<(), Fail>) -> Result<(), Fail> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    fill(&mut out)?;
    out.flush().map_err(|source| Fail::Write { path: PathBuf::from("-"), source })
}

/// The system's own error, without the name of the temporary file, which means nothing to anybody.
fn system(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((own, _)) => io::Error::new(error.kind(), own.to_owned()),
        None => error,
    }
}

/// Turns an error of writing to `path` into a failure that names it.
pub fn written(path: &Path) -> impl FnOnce(io::Error) -> Fail {
    let path = path.to_owned();
    move |source| Fail::Write { path, source }
}

/// Refuses to write over the capture that is read.
///
/// # Errors
/// Wrong usage, when both are the same file.
pub fn check_places(input: &Path, output: Option<&Path>, lang: Lang) -> Result<(), Fail> {
    let same = match (input.canonicalize(), output.map(Path::canonicalize)) {
        (Ok(input), Some(Ok(output))) => input == output,
        _ => false,
    };
    let shown = output.unwrap_or(input).display();
    if same { Err(Fail::Usage(t::SAME_FILE.fill(lang, &[("file", &shown)]))) } else { Ok(()) }
}
