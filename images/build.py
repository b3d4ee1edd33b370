# SPDX-License-Identifier: GPL-2.0-or-later
"""Build the bundled firmware: `python3 images/build.py [--sources DIR] [--host-tools] [IMAGE...]`.

What each image is made of stands in `manifest.toml`. Results are `images/build/<name>.elf`, the same bytes wherever the
checkout lies: compilers run inside `images/`, are given relative paths, and record no others.
"""

from __future__ import annotations

import argparse
import fcntl
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import hosttools
from sources import TARBALLS, BuildError, unpacked
from toolchain import Step, build

IMAGES = Path(__file__).resolve().parent
BUILD = IMAGES / "build"
GCC = "arm-none-eabi-gcc"
CPU = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
COMPILE = (
    "-std=gnu11", "-Os", "-g3", "-ffunction-sections", "-fdata-sections", "-fno-common",
    "-Wall", "-Wextra", "-Wno-override-init", "--specs=nano.specs", f"-ffile-prefix-map={IMAGES}=.",
)  # fmt: skip
LINK = ("-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections", "-Wl,--fatal-warnings", "-Wl,--build-id=none")


class Recipes:
    """The manifest's parts and images as compiler steps.

    A part is compiled once however many images use it, but for the images that rebuild it with `flags` of their own.
    """

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.images: dict[str, Any] = manifest["image"]
        self._groups = {**manifest["part"], **manifest["image"]}

    def upstreams(self, names: list[str]) -> list[str]:
        """Which tarballs the named images need."""
        sources = [source for name in names for group in self._used(name) for source in self._groups[group]["sources"]]
        return [upstream for upstream in TARBALLS if any(source.startswith(f"{upstream}:") for source in sources)]

    def steps(self, name: str) -> list[Step]:
        """Everything to compile and link for one image."""
        compiles = [step for group in self._used(name) for step in self._compiles(group, name)]
        return [*compiles, self._link(name, [step.output for step in compiles])]

    def _used(self, name: str) -> list[str]:
        """The group itself and everything it uses, directly or not."""
        found = [name]
        for group in found:
            found += [used for used in self._groups[group].get("uses", []) if used not in found]
        return found

    def _compiles(self, group: str, image: str) -> list[Step]:
        used = [self._groups[name] for name in self._used(group)]
        folders = dict.fromkeys(_path(folder) for part in used for folder in part.get("include", []))
        defines = dict.fromkeys(define for part in used for define in part.get("defines", []))
        flags = [*(f"-I{folder}" for folder in folders), *(f"-D{define}" for define in defines)]
        folder = BUILD / "obj" / group
        if group in (image, *self.images[image].get("rebuilds", [])):
            folder = BUILD / "obj" / image / group
            flags += self.images[image].get("flags", [])
        return [self._compile(group, folder, _path(source), flags) for source in self._groups[group]["sources"]]

    def _compile(self, group: str, folder: Path, source: str, flags: list[str]) -> Step:
        output = folder / Path(source).with_suffix(".o").name
        target = output.relative_to(IMAGES)
        depends = target.with_suffix(".d")
        command = (GCC, *CPU, *COMPILE, *flags, "-MMD", "-MF", depends, "-c", source, "-o", target)
        return Step(tuple(map(str, command)), output, f"{group}: {Path(source).name}", IMAGES)

    def _link(self, name: str, objects: list[Path]) -> Step:
        output = BUILD / f"{name}.elf"
        script = "common/stm32f407.ld"
        files = [str(path.relative_to(IMAGES)) for path in objects]
        wraps = [f"-Wl,--wrap={function}" for function in self.images[name].get("wraps", [])]
        command = (GCC, *CPU, *LINK, *wraps, "-T", script, *files, "-o", str(output.relative_to(IMAGES)))
        return Step(command, output, output.name, IMAGES, (*objects, IMAGES / script))


def _path(entry: str) -> str:
    """A path of the manifest, relative to images/; `mbedtls:` and `lwip:` stand for the unpacked tarballs."""
    upstream, colon, inner = entry.rpartition(":")
    return f"build/src/{upstream}/{inner}" if colon else inner


def _check_compiler() -> None:
    if not shutil.which(GCC):
        packages = "gcc-arm-none-eabi libnewlib-arm-none-eabi"
        raise BuildError(f"{GCC} is missing; install it with: apt install {packages}")


def build_images(names: list[str], folder: Path | None) -> None:
    """Build the named images (all when none is named) and say where they are."""
    _check_compiler()
    recipes = Recipes(tomllib.loads((IMAGES / "manifest.toml").read_text()))
    chosen = names or list(recipes.images)
    for name in chosen:
        if name not in recipes.images:
            raise BuildError(f"There is no image {name}; the manifest has {', '.join(recipes.images)}.")
    for upstream in recipes.upstreams(chosen):
        unpacked(upstream, BUILD, folder)
    build([step for name in chosen for step in recipes.steps(name)])
    for name in chosen:
        print(f"images/build/{name}.elf is up to date")


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line; 0 when everything is built, 2 with one sentence when not."""
    parser = argparse.ArgumentParser(description="Build the bundled firmware images.")
    parser.add_argument("--sources", type=Path, metavar="DIR", help="take the upstream tarballs from DIR, not from apt")
    parser.add_argument("--host-tools", action="store_true", help="build mbedTLS's client programs for this machine")
    parser.add_argument("name", nargs="*", help="images to build (default: all)")
    options = parser.parse_args(arguments)
    BUILD.mkdir(exist_ok=True)
    try:
        with (BUILD / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once would write the same objects
            if options.host_tools:
                hosttools.build_host_tools(IMAGES, options.sources)
            if options.name or not options.host_tools:
                build_images(options.name, options.sources)
    except BuildError as error:
        print(f"images: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
