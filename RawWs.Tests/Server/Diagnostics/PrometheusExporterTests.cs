using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text;
using CsCheck;
using RawWs.Server.Diagnostics;
using Gen = CsCheck.Gen;

namespace RawWs.Tests.Server.Diagnostics;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class PrometheusExporterTests : IDisposable
{
    private readonly Meter _meter = new("test");
    private readonly PrometheusExporter _exporter;

    public PrometheusExporterTests() => _exporter = new PrometheusExporter(_meter);

    [Test]
    public void Counter_is_the_sum_of_what_was_added_and_0_before()
    {
        var counter = _meter.CreateCounter<long>("rawws.messages.received", "{message}", "Messages.");
        Assert.That(Value("rawws_messages_received_total"), Is.Zero);
        Parallel.For(0, 8, _ =>
        {
            for (var i = 0; i < 10_000; i++)
                counter.Add(2);
        });
        Assert.That(Value("rawws_messages_received_total"), Is.EqualTo(160_000));
    }

    [Test]
    public void Each_value_of_a_tag_is_a_series()
    {
        var counter = _meter.CreateCounter<long>("failures", null, "Failures.");
        foreach (var kind in (string[])["accept", "handler", "accept"])
            counter.Add(1, new KeyValuePair<string, object?>("kind", kind));
        Assert.That(Series("failures_total"), Is.EqualTo(["failures_total|kind=accept 2", "failures_total|kind=handler 1"]));
    }

    [Test]
    public void Several_tags_are_several_labels()
    {
        var counter = _meter.CreateCounter<long>("failures", null, "Failures.");
        counter.Add(3, new KeyValuePair<string, object?>("b", "2"), new KeyValuePair<string, object?>("a.x", "1"));
        Assert.That(Series("failures_total"), Is.EqualTo(["failures_total|a_x=1|b=2 3"]));
    }

    [Test]
    public void Sum_that_also_falls_is_a_gauge()
    {
        var open = _meter.CreateUpDownCounter<long>("open", null, "Open.");
        open.Add(5);
        open.Add(-2);
        Assert.That(Parse()["open"].Type, Is.EqualTo("gauge"));
        Assert.That(Value("open"), Is.EqualTo(3));
    }

    [Test]
    public void What_is_observed_is_what_it_is_now()
    {
        var now = 7;
        _meter.CreateObservableUpDownCounter("outbox.bytes", () => now, "By", "Bytes.");
        Assert.That(Value("outbox_bytes"), Is.EqualTo(7));
        now = 4;
        Assert.That(Value("outbox_bytes"), Is.EqualTo(4));
        Assert.That(Parse()["outbox_bytes"].Type, Is.EqualTo("gauge"));
    }

    [Test]
    public void Histogram_counts_each_value_in_the_first_bucket_that_holds_it()
    {
        var histogram = _meter.CreateHistogram(
            "handler.duration",
            "s",
            "Time.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        foreach (var value in (double[])[0.05, 0.1, 0.5, 3])
            histogram.Record(value);
        Assert.That(Series("handler_duration_seconds"), Is.EqualTo(
        [
            "handler_duration_seconds_bucket|le=0.1 2",
            "handler_duration_seconds_bucket|le=1 3",
            "handler_duration_seconds_bucket|le=+Inf 4",
            "handler_duration_seconds_sum 3.65",
            "handler_duration_seconds_count 4",
        ]));
    }

    [TestCase("rawws.bytes.sent", "By", "rawws_bytes_sent_total", Description = "the unit is there already")]
    [TestCase("rawws.sent", "By", "rawws_sent_bytes_total")]
    [TestCase("rawws.time", "s", "rawws_time_seconds_total")]
    [TestCase("rawws.sent-odd/name", "{message}", "rawws_sent_odd_name_total")]
    public void Name_is_that_of_OpenTelemetry(string name, string unit, string expected)
    {
        _meter.CreateCounter<long>(name, unit, "Help.");
        Assert.That(Parse().Keys, Is.EqualTo([expected]));
    }

    [Test]
    public void Meter_of_somebody_else_is_not_told()
    {
        using var other = new Meter("test");
        other.CreateCounter<long>("others", null, "Others.").Add(1);
        _meter.CreateCounter<long>("own", null, "Own.");
        Assert.That(Parse().Keys, Is.EqualTo(["own_total"]));
    }

    [Test]
    public void Any_text_comes_through_as_help_and_as_label() => Gen.String.Where(IsText).Sample(text =>
    {
        using var meter = new Meter("test");
        using var exporter = new PrometheusExporter(meter);
        meter.CreateCounter<long>("c", null, text + ".").Add(1, new KeyValuePair<string, object?>("kind", text));
        var metric = Parse(exporter)["c_total"];
        return metric.Help == text + "." && metric.Samples.Single().Labels["kind"] == text;
    });

    public void Dispose()
    {
        _exporter.Dispose();
        _meter.Dispose();
    }

    // Lone surrogates do not survive UTF-8, and a CR is no line end in this format, but is one to this test's parser.
    private static bool IsText(string text) =>
        !text.Contains('\r') && Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text;

    private Dictionary<string, PrometheusMetric> Parse() => Parse(_exporter);

    private static Dictionary<string, PrometheusMetric> Parse(PrometheusExporter exporter)
    {
        var output = new ArrayBufferWriter<byte>();
        exporter.Write(output);
        return PrometheusParser.Parse(Encoding.UTF8.GetString(output.WrittenSpan));
    }

    private double Value(string name) => Parse()[name].Samples.Single().Value;

    private string[] Series(string name) => [.. Parse()[name].Samples.Select(
        sample => FormattableString.Invariant($"{sample.Series} {sample.Value}"))];
}
