#!/usr/bin/env python3
"""Builds the Debian package that Cargo.toml describes, as `cargo deb` does, without that program.

It reads [package.metadata.deb] and needs cargo, dpkg-dev and binutils. Programs are taken from PROGRAMS, and man pages and
completions from MADE; the last line of the output is the path of the package.
"""

import argparse
import glob
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def output(*command, **options):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def description():
    """What Cargo.toml says about the package."""
    metadata = output("cargo", "metadata", "--no-deps", "--offline", "--format-version", "1", cwd=REPOSITORY)
    return json.loads(metadata)["packages"][0]


def sources(pattern, programs, made):
    """The files that an asset means: programs and made files may be elsewhere than `cargo deb` has them."""
    for prefix, directory in (("target/release/", programs), ("target/packaging/", made)):
        if pattern.startswith(prefix):
            pattern = str(directory / pattern.removeprefix(prefix))
            break
    found = sorted(glob.glob(str(REPOSITORY / pattern)))
    if not found:
        sys.exit(f"build-deb.py: there is no {pattern}")
    return found


def place(source, target, mode):
    """Puts a file into the tree: a program without its symbols, a man page compressed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if "/usr/bin/" in str(target):
        subprocess.run(["strip", "--strip-unneeded", "-o", target, source], check=True)
    elif "/usr/share/man/" in str(target):
        target = target.with_name(target.name + ".gz")
        target.write_bytes(gzip.compress(Path(source).read_bytes(), mtime=0))
    else:
        shutil.copyfile(source, target)
    target.chmod(int(mode, 8))


def libraries(programs):
    """The packages of the libraries that the programs need."""
    with tempfile.TemporaryDirectory() as directory:
        control = Path(directory, "debian/control")
        control.parent.mkdir()
        control.write_text("Source: httpserver\n\nPackage: httpserver\nArchitecture: any\n")
        listed = [word for program in programs for word in ("-e", str(program))]
        found = output("dpkg-shlibdeps", "-O", *listed, cwd=directory, stderr=subprocess.PIPE)
    return found.strip().removeprefix("shlibs:Depends=")


def control(package, tree, architecture):
    """The text of the control file."""
    deb = package["metadata"]["deb"]
    programs = sorted((tree / "usr/bin").iterdir())
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    description = [" " + (line or ".") for line in deb["extended-description"].strip().splitlines()]
    fields = {
        "Package": package["name"],
        "Version": f"{package['version']}-{deb['revision']}",
        "Architecture": architecture,
        "Maintainer": deb["maintainer"],
        "Section": deb["section"],
        "Priority": deb["priority"],
        "Depends": deb["depends"].replace("$auto", libraries(programs)),
        "Suggests": deb["suggests"],
        "Installed-Size": -(-size // 1024),
        "Description": "\n".join([package["description"], *description]),
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items())


def copyright_of(package):
    notice = f"Copyright: {package['metadata']['deb']['copyright']}\nLicense: {package['license']}\n\n"
    apache = "\nThe Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.\n"
    return notice + (REPOSITORY / "LICENSE-MIT").read_text() + apache


def build(package, programs, made, out):
    deb = package["metadata"]["deb"]
    architecture = output("dpkg", "--print-architecture").strip()
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory, "tree")
        for pattern, destination, mode in deb["assets"]:
            for source in sources(pattern, programs, made):
                place(source, tree / destination / Path(source).name if destination.endswith("/") else tree / destination, mode)
        notice = tree / "usr/share/doc" / package["name"] / "copyright"
        notice.write_text(copyright_of(package))
        text = control(package, tree, architecture)
        debian = tree / "DEBIAN"
        debian.mkdir()
        (debian / "control").write_text(text)
        (debian / "conffiles").write_text("".join(f"{file}\n" for file in deb["conf-files"]))
        for script in ("postinst", "prerm", "postrm"):
            place(REPOSITORY / deb["maintainer-scripts"] / script, debian / script, "755")
        # Directories have the same mode whatever the umask is.
        for path in [tree, *tree.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        file = out / f"{package['name']}_{package['version']}-{deb['revision']}_{architecture}.deb"
        output("dpkg-deb", "--root-owner-group", "--build", tree, file)
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=Path, default=REPOSITORY / "target/release", help="directory of the built programs")
    parser.add_argument("--made", type=Path, default=REPOSITORY / "target/packaging", help="directory of man pages and completions")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "target/debian", help="directory of the package")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    programs, made = arguments.programs.resolve(), arguments.made.resolve()
    print(build(description(), programs, made, arguments.out.resolve()))


if __name__ == "__main__":
    os.umask(0o022)
    try:
        main()
    except OSError as error:
        sys.exit(f"build-deb.py: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"build-deb.py: {error}\n{error.stderr or ''}".strip())
