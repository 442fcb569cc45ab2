"""The families that the test vectors ask: the MPD TPC's conditions, and three made to exercise the rules."""

from __future__ import annotations

from typing import Any


def quantity(
    name: str, unit: str, nominal: str | None, grid: str, tolerance: str, minimum: str, maximum: str
) -> dict[str, Any]:
    return {
        "name": name,
        "unit": unit,
        "nominal": nominal,
        "grid": grid,
        "tolerance": tolerance,
        "minimum": minimum,
        "maximum": maximum,
        "values": None,
    }


def label(name: str, nominal: str | None, values: list[str] | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "unit": None,
        "nominal": nominal,
        "grid": None,
        "tolerance": None,
        "minimum": None,
        "maximum": None,
        "values": values,
    }


TPC = {
    "name": "mpd.tpc",
    "version": 1,
    "conditions": [
        quantity("drift_velocity", "cm/us", "5.5", "0.01", "0.05", "3", "8"),
        quantity("transverse_diffusion", "um/sqrt(cm)", "185", "1", "10", "20", "600"),
        quantity("longitudinal_diffusion", "um/sqrt(cm)", "344", "1", "10", "20", "800"),
        quantity("magnetic_field", "T", "0.5", "0.01", "0.01", "0", "2"),
        quantity("mip_amplitude", "ADC", "75", "1", "3", "10", "500"),
        quantity("shaping_width", "ns", "190", "1", "5", "50", "600"),
        quantity("sampling_period", "ns", "100", "1", "1", "25", "400"),
        quantity("noise", "ADC", "0", "0.1", "0.1", "0", "10"),
        quantity("threshold", "ADC", "1", "0.1", "0.1", "0.1", "30"),
        label("particle", "pion", ["electron", "muon", "pion", "kaon", "proton"]),
        label("gas", "Ar/CH4 90/10"),
    ],
    "software": [
        {"name": "simulator", "nominal": "driftline-tpc/1"},
        {"name": "geometry", "nominal": "mpd-tpc/tdr"},
    ],
}

# Declared out of alphabetical order; one condition for each kind of unit.
UNITS = {
    "name": "vectors.units",
    "version": 7,
    "conditions": [
        quantity("width", "mm", "1", "0.001", "0.01", "0", "10000"),
        quantity("area", "cm^2", "1", "0.01", "0", "0", "100000"),
        quantity("density", "g/cm^3", "1", "0.0001", "0", "0", "100"),
        quantity("temperature", "K", "293", "0.1", "1", "0", "1000"),
        quantity("pressure", "mbar", "1013", "0.1", "1", "0", "5000"),
        quantity("field", "V/cm", "130", "1", "5", "-100000", "100000"),
        quantity("reduced_field", "V/(cm*bar)", "130", "0.1", "1", "0", "100000"),
        quantity("attachment", "1/(us*bar)", "0", "0.001", "0", "0", "1000"),
        quantity("oxygen", "ppm", "5", "1", "5", "0", "1000000"),
        quantity("quencher", "%", "10", "0.1", "0.5", "0", "100"),
        quantity("ratio", "1", "0.5", "0.0001", "0.01", "-1", "1"),
        quantity("energy", "keV", "5.9", "0.001", "0.1", "0", "1000000000"),
        quantity("momentum", "GeV/c", "0.5", "0.001", "0", "0", "1000"),
        quantity("tilt", "mrad", "0", "0.01", "0.1", "-3000", "3000"),
        quantity("phi", "deg", "0", "0.1", "1", "-180", "180"),
        quantity("clock", "MHz", "10", "0.001", "0.01", "0", "100000"),
        quantity("lifetime", "min", "1", "0.5", "0", "0", "100000"),
        quantity("capacitance", "pF", "20", "0.1", "1", "0", "1000"),
        quantity("charge", "fC", "1", "0.01", "0", "0", "1000"),
        quantity("resistance", "MOhm", "1", "0.001", "0", "0", "1000"),
        quantity("noise", "electron", "600", "1", "50", "0", "100000"),
        quantity("diffusion", "mm/sqrt(m)", "1.85", "0.01", "0.1", "0", "1000"),
    ],
    "software": [],
}

NUMBERS = {
    "name": "vectors.numbers",
    "version": 9007199254740991,
    "conditions": [
        quantity("count", "1", "0", "1", "1", "-" + "9" * 60, "9" * 60),
        quantity("tiny", "1", "0", "0." + "0" * 29 + "1", "0", "-1", "1"),
        quantity("huge", "1", "0", "1" + "0" * 24, "0", "-1" + "0" * 40, "1" + "0" * 40),
        quantity("quarter", "1", "0", "0.25", "0.5", "-1000", "1000"),
        quantity("seven", "1", "0", "0.07", "0.14", "-7", "7"),
        quantity("tenth", "1", "0", "0.1", "0.1", "-1000", "1000"),
        quantity("field", "T", "0", "0.01", "0", "-2", "2"),
    ],
    "software": [],
}

WORDS = {
    "name": "vectors.words",
    "version": 2,
    "conditions": [
        label("zeta", None),
        label("alpha", "any"),
        label("choice", "Å", ["Å", "B̈", "Ж", "𝔄", "שלום"]),
        quantity("length", "um", None, "0.1", "0", "-10", "10"),
    ],
    "software": [
        {"name": "simulator", "nominal": None},
        {"name": "digitiser", "nominal": "none/0"},
    ],
}

FAMILIES = {family["name"]: family for family in (TPC, UNITS, NUMBERS, WORDS)}
