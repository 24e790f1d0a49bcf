import Ingest
import Testing

@Test func nothingGivesAnEmptyLedger() async {
    let report = await Ingestor().report([])
    #expect(report.isBalanced && report.found == 0)
}
