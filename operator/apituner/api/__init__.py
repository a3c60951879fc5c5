"""
The two resources as pydantic models; the CRDs are generated from them, so that the API server refuses what the models refuse.

Reading order: rules (a rule said once for Python and once in CEL), words (names and texts), knobs, apituning and connectionbudget (the
specs), conditions, seen, diagnoses, changes, pace and status (what the operator reports), structural (from models to structural
schemas), crd (the documents and where they are written).
"""
