"""Study smeft: which universe made a Drell-Yan spectrum? Read data, heads, anomalies, study."""
