"""Study haa: H -> aa -> 4b against multijet background. Read data, metrics, figures, report."""
