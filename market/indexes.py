"""What pay can be filtered and grouped by without reading rows."""

from analytics.index import Dimension, PercentileIndex, register
from market.models import SalaryRecord

SALARIES = register(
    PercentileIndex(
        dataset="salary_records",
        model=SalaryRecord,
        value="pay_year_usd",
        dimensions=(
            Dimension(name="title", attname="title_id"),
            Dimension(name="company", attname="company_id"),
            Dimension(name="stack", attname="stack_id"),
            Dimension(name="country", attname="country_id"),
            Dimension(name="seniority", attname="seniority"),
            Dimension(name="month", attname="day"),
        ),
    )
)
