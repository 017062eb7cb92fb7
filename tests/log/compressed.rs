//! Logs that gzip or zstd compressed, and files that only look like such.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::log::{Log, Workdir};
use crate::support::process::{finish, limited_log_tool};
use crate::support::requirements::is_there;
use crate::support::tree::files;

fn gzip(log: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(log).unwrap();
    encoder.finish().unwrap()
}

fn zstd(log: &[u8]) -> Vec<u8> {
    compress_to_vec(log, CompressionLevel::Fastest)
}

/// A frame that decoders pass over (RFC 8878 §3.1.2).
fn skippable() -> Vec<u8> {
    [&[0x5A, 0x2A, 0x4D, 0x18, 5, 0, 0, 0][..], b"other"].concat()
}

/// Longer than what is read at a time, and with a name whose last entry is before others.
fn sample() -> Log {
    let noise: Vec<u8> = (0..200_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
        .collect();
    Log::default()
        .put("z", b"last first")
        .put("a", b"old")
        .put("noise", &noise)
        .put("gone", b"x")
        .other("DELETE", "gone")
        .put("a", b"new")
}

/// The sample in each form that is read.
fn forms() -> Vec<(&'static str, Vec<u8>)> {
    let log = sample().0;
    let (half, rest) = log.split_at(log.len() / 2);
    vec![
        ("gzip", gzip(&log)),
        ("gzip, two members", [gzip(half), gzip(rest)].concat()),
        ("zstd", zstd(&log)),
        ("zstd, two frames", [zstd(half), zstd(rest)].concat()),
        (
            "zstd between skippable frames",
            [
                skippable(),
                zstd(half),
                skippable(),
                zstd(rest),
                skippable(),
            ]
            .concat(),
        ),
    ]
}

#[test]
fn compressed_log_is_read_as_the_plain_one() {
    let plain = Workdir::new(&sample());
    for (form, bytes) in forms() {
        let workdir = Workdir::new(&Log::default().raw(&bytes));
        for arguments in [
            &["check", "log.txt"][..],
            &["list", "log.txt", "--json"],
            &["stats", "log.txt", "--json"],
            &["extract", "log.txt", "3"],
        ] {
            let (run, expected) = (workdir.run(arguments), plain.run(arguments));
            assert_eq!(
                (run.status, &run.stderr[..]),
                (Some(0), ""),
                "{form} {arguments:?}"
            );
            assert!(run.bytes == expected.bytes, "{form} {arguments:?}");
        }
        let run = workdir.run_with(["list", "-", "--json"], &bytes);
        assert!(
            run.bytes == plain.run(["list", "log.txt", "--json"]).bytes,
            "{form} from standard input"
        );
    }
}

/// These read the log twice, and the second time only parts of it.
#[test]
fn compressed_log_is_replayed_and_compared() {
    for (form, bytes) in forms() {
        let workdir = Workdir::new(&Log::default().raw(&bytes));
        workdir
            .run(["replay", "log.txt", "d"])
            .says("d: 3 files, 200013 bytes, from 6 entries\n");
        fs::rename(workdir.path("d/noise"), workdir.path("noise")).unwrap();
        let kept = [("a", "new"), ("z", "last first")];
        assert_eq!(
            files(&workdir.path("d")),
            BTreeMap::from(kept.map(|(name, content)| (name.to_owned(), content.into()))),
            "{form}"
        );
        fs::rename(workdir.path("noise"), workdir.path("d/noise")).unwrap();
        let run = workdir.run(["check", "log.txt", "--against", "d"]);
        assert_eq!(run.status, Some(0), "{form}: {}", run.stdout());
        let mut noise = fs::read(workdir.path("d/noise")).unwrap();
        noise[199_999] ^= 1;
        fs::write(workdir.path("d/noise"), noise).unwrap();
        let run = workdir.run(["check", "log.txt", "--against", "d"]);
        assert_eq!(run.status, Some(1), "{form}");
        let expected = "d/noise: differs at byte 199999 (entry 3 stored 200000 bytes)\n";
        assert!(run.stdout().contains(expected), "{form}: {}", run.stdout());
    }
}

#[test]
fn log_that_the_real_programs_compressed_is_read() {
    for program in ["gzip", "zstd"] {
        if !is_there(program) {
            continue;
        }
        let workdir = Workdir::new(&sample());
        let mut command = Command::new(program);
        command
            .args(["-c", "log.txt"])
            .current_dir(workdir.path(""));
        let compressed = finish(command, b"").stdout;
        let workdir = Workdir::new(&Log::default().raw(&compressed));
        workdir.run(["check", "log.txt"]).says(&format!(
            "log.txt: 6 entries, {} bytes, no gap, no overlap\n",
            sample().len()
        ));
    }
}

#[test]
fn damaged_or_cut_data_is_an_error() {
    let (gzip, zstd) = (gzip(&sample().0), zstd(&sample().0));
    let changed = |bytes: &[u8], from_end: usize| {
        let mut bytes = bytes.to_vec();
        let at = bytes.len() - from_end;
        bytes[at] ^= 0x55;
        bytes
    };
    for (bytes, expected) in [
        (
            gzip[..gzip.len() / 2].to_vec(),
            "the gzip data ends too early",
        ),
        (
            gzip[..gzip.len() - 1].to_vec(),
            "the gzip data ends too early",
        ),
        (gzip[..5].to_vec(), "the gzip data ends too early"),
        (
            changed(&gzip, 8),
            "the gzip data is damaged (corrupt gzip stream does not have a matching checksum)",
        ),
        (
            zstd[..zstd.len() / 2].to_vec(),
            "the zstd data ends too early",
        ),
        (
            zstd[..zstd.len() - 1].to_vec(),
            "the zstd data ends too early",
        ),
        (zstd[..5].to_vec(), "the zstd data ends too early"),
        (
            changed(&zstd, 1),
            "the zstd data is damaged (the checksum does not match)",
        ),
        (skippable()[..11].to_vec(), "the zstd data ends too early"),
    ] {
        let workdir = Workdir::new(&Log::default().raw(&bytes));
        workdir
            .run(["check", "log.txt"])
            .refuses(&format!("log.txt: {expected}"));
        assert_eq!(workdir.run(["replay", "log.txt", "d"]).status, Some(1));
        assert!(!workdir.path("d").exists());
    }
}

#[test]
fn compressed_file_other_than_a_log_is_named_as_such() {
    for bytes in [gzip(b"shopping list"), zstd(b"shopping list")] {
        Workdir::new(&Log::default().raw(&bytes))
            .run(["check", "log.txt"])
            .refuses("log.txt: not an httpserver log: decompressed, it begins with `shopping`");
    }
    Workdir::new(&Log::default().raw(b"\xFD7zXZ\0\0\x04"))
        .run(["check", "log.txt"])
        .refuses(
            "log.txt: not an httpserver log, but xz data: type `xz -dc log.txt | httpserver-log ... -`",
        );
}

/// 20 MiB of address space are enough for 30 MB of log.
#[test]
fn decompression_takes_constant_memory() {
    let log = Log::default().put("zeros", &vec![0; 9_000_000]);
    assert!(log.len() > 30_000_000);
    let zstd = compress_to_vec(&log.0[..], CompressionLevel::Uncompressed);
    for bytes in [gzip(&log.0), zstd] {
        let workdir = Workdir::new(&Log::default().raw(&bytes));
        for arguments in [&["check", "log.txt"][..], &["replay", "log.txt", "d"]] {
            let output = limited_log_tool(&workdir.path(""), arguments, "ulimit -v 20480");
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        assert_eq!(
            fs::metadata(workdir.path("d/zeros")).unwrap().len(),
            9_000_000
        );
    }
}

/// A pipe cannot be read a second time, with any content.
#[test]
fn pipe_cannot_be_read_twice() {
    let workdir = Workdir::new(&sample());
    let mut command = Command::new("sh");
    let line = "cat log.txt | \"$0\" replay /dev/stdin d";
    command.args([
        OsStr::new("-c"),
        line.as_ref(),
        env!("CARGO_BIN_EXE_httpserver-log").as_ref(),
    ]);
    command.current_dir(workdir.path(""));
    let output = finish(command, b"");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "httpserver-log: /dev/stdin: replay reads the log twice, which a pipe or a device does not allow: type a file\n"
    );
}
