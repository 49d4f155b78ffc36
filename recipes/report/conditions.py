"""The conditions of a run, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recipes.files.manifest import Findings, Manifest


def summary(manifest: Manifest) -> dict[str, str]:
    """The conditions that a reader of the report wants to see, in words."""
    data, result = manifest.data, manifest.result
    passes = [
        f"{name}: {facts.views} cached view{'s' if facts.views > 1 else ''} of each image at {facts.layer}, "
        f"{facts.engine}, {facts.images_passed:,} images passed now in {facts.seconds:.0f} s"
        for name, facts in manifest.boundary.items()
    ]
    share = f" ({manifest.frozen_share:.0%} of the run's time)"
    frozen = {"frozen part": "; ".join(passes) + share} if passes else {}
    kept = ", ".join(f"{epoch} of phase {phase}" for phase, epoch in result.kept_epoch.items())
    photos = {"photos": _found(manifest.doctor)} if manifest.doctor else {}
    hardware = manifest.hardware
    return {
        "data": f"{data.dataset} ({data.kind}): " + ", ".join(f"{data.images(name):,} {name}" for name in data.counts),
        **photos,
        "network": f"{manifest.model.parameters:,} parameters, {manifest.model.macs:,} MACs an image{_base(manifest)}",
        "epochs": f"{result.epochs} run, kept: {kept}",
        **frozen,
        "seed": str(manifest.seed),
        "precision": manifest.precision,
        "backend": manifest.backend,
        "seconds": ", ".join(f"{name} {value:g}" for name, value in manifest.seconds.items()),
        "versions": ", ".join(f"{name} {value}" for name, value in manifest.versions.items()),
        "hardware": f"{hardware.processor}, {hardware.cores} cores, {hardware.memory_gb} GB",
    }


def _base(manifest: Manifest) -> str:
    """On which base the network stands, where the recipe says it."""
    base = manifest.settings.get("model", {}).get("backbone")
    stands_in = manifest.settings.get("stand_in") and "model.backbone" in dict(manifest.chosen)
    why = ", in place of the recipe's own, whose weights could not be had" if stands_in else ""
    return f"; base {base}{why}" if base else ""


def _found(findings: Findings) -> str:
    facts = f"{findings['photos']:,} examined, {findings['used']:,} used, {len(findings['bad']):,} cannot be used, "
    facts += f"{len(findings['left_out']):,} left out as like one of another split; doctor.html has the rest"
    if decisions := findings.get("decisions"):
        counts = ", ".join(f"{len(names):,} {word.replace('_', ' ')}" for word, names in decisions.items())
        facts += f"; labels decided by hand: {counts}"
    return " ".join([facts + ".", *findings["warnings"]]) if findings["warnings"] else facts
