"""Reports over time: what catalogs hold, what shoppers search for, and what comes of it."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access.caller import Right, visible_retailer
from catalog.api.access import caller_of
from catalog.api.parameters import asked
from catalog.api.problems import documented
from catalog.api.throttles import REPORT_COST
from search.api.problems import answering_problems
from search.api.trend_examples import TRENDS_REPLY
from search.api.trend_parameters import TrendsParameters
from search.api.trend_serializers import TrendsSerializer
from search.trends import count_trends


class TrendsView(APIView):
    """Garment counts by class and day."""

    rights: ClassVar = {"GET": Right.REPORT, "HEAD": Right.REPORT}
    costs: ClassVar = {"GET": REPORT_COST}

    @extend_schema(
        summary="Get trends",
        description="Garments by class and day: what catalogs hold and what shoppers search for, apart. "
        "Counts depend on the model that saw the garments; its versions are named. `rates` tell what came of the "
        "searches: how many had no good match, were clicked, led to a purchase, each with its 95 % interval.",
        parameters=[TrendsParameters],
        responses={200: OpenApiResponse(TrendsSerializer, examples=[TRENDS_REPLY]), **documented(400, 404)},
        tags=["trends"],
        operation_id="trends_retrieve",
    )
    def get(self, request: Request) -> Response:
        """Count."""
        wanted = asked(TrendsParameters, request.query_params.dict())
        with answering_problems():
            retailer = visible_retailer(caller_of(request), wanted.get("retailer"))
        return Response(TrendsSerializer(count_trends(days=wanted["days"], retailer=retailer)).data)
