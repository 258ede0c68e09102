"""Schemas of the answers of `/explain`."""

from __future__ import annotations

from slipway.bundle.contract import Contract
from slipway.gateway.openapi import schemas
from slipway.gateway.openapi.operations import Schema

SCALES = {
    "log-odds": "log(p / (1 - p)), where p is the probability of `of_label`",
    "log-ratio": "log(p / g), where g is the geometric mean of the probabilities of all classes",
    "probability": "the probability of `of_label`",
}
NUMBERS = {
    "number": "the predicted number",
    "log(number)": "its natural logarithm",
    "log(1 + number)": "the natural logarithm of 1 + the number",
}


def of_contribution(contract: Contract) -> Schema:
    """Describe what one column adds."""
    properties: Schema = {
        "column": {"type": "string"},
        "value": {"description": "As it was sent; null if it is missing."},
        "unit": {"type": "string", "description": "Of the value."},
        "contribution": {"type": "number", "description": "What the column adds, on the scale of the explanation."},
    }
    error = {"standard_error": {"type": "number", "minimum": 0, "description": "Of the contribution; present if it is sampled."}}
    return {"type": "object", "required": list(properties), "properties": properties | error}


def of_explanation(contract: Contract) -> Schema:
    """Describe the explanation of one row."""
    scales = NUMBERS if contract.quantity else SCALES
    meaning = "; ".join(f"{name}: {what}" for name, what in scales.items())
    of: Schema
    if contract.quantity:
        of = {"unit": {"type": "string", "description": "Of the predicted number."}}
    else:
        which = "The class that is explained: the positive one, or the answered one if there is none."
        of = {"of_label": contract.output.of_label() | {"description": which}}
    properties: Schema = {
        "scale": {"type": "string", "enum": list(scales), "description": f"The one that the model adds up in. {meaning}."},
        **of,
        "method": {"type": "string", "enum": ["exact", "sampled"], "description": "sampled: each contribution has a standard error."},
        "base": {"type": "number", "description": "The mean margin of the background."},
        "margin": {"type": "number", "description": "Of this row: base and all contributions together."},
        "contributions": {
            "type": "array",
            "description": "One a column, in the contract's order.",
            "items": {"$ref": "#/components/schemas/Contribution"},
        },
        "background": {
            "type": "object",
            "description": "The rows that this one is compared with.",
            "required": ["rows", "description"],
            "properties": {"rows": {"type": "integer", "minimum": 1}, "description": {"type": "string"}},
        },
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def of_explained_prediction(contract: Contract) -> Schema:
    """Describe the answer to one row with its explanation."""
    prediction = schemas.of_prediction(contract)
    explanation = {"explanation": {"$ref": "#/components/schemas/Explanation"}}
    return prediction | {
        "required": [*prediction["required"], "explanation"],
        "properties": prediction["properties"] | explanation,
    }


def of_explanations(contract: Contract) -> Schema:
    """Describe the answer of `explain`."""
    predictions = schemas.of_predictions(contract)
    each = {"type": "array", "description": "One a row, in the rows' order.", "items": {"$ref": "#/components/schemas/ExplainedPrediction"}}
    note = {"type": "string", "description": "What the contributions do not say."}
    return predictions | {
        "required": [*predictions["required"], "note"],
        "properties": predictions["properties"] | {"note": note, "predictions": each},
    }
