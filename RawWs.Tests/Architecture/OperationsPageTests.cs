using System.Reflection;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Engine;
using RawWs.Tests.EndToEnd;

namespace RawWs.Tests.Architecture;

/// <summary>docs/operations.md names every limit, so that nobody meets one that is written nowhere.</summary>
public class OperationsPageTests
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md"));

    // Numbers and times that bound nothing.
    private static readonly string[] s_others = [nameof(ServerOptions.Port)];

    private static IEnumerable<string> Limits =>
        from type in (Type[])[typeof(ServerOptions), typeof(RateLimitOptions), typeof(EventOptions), typeof(EngineOptions), typeof(RecoveryOptions)]
        from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        let value = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType
        where value == typeof(int) || value == typeof(long) || value == typeof(TimeSpan) || value == typeof(RateLimit)
            || value.Name.EndsWith("Policy", StringComparison.Ordinal)
        where !s_others.Contains(property.Name)
        select property.Name;

    [TestCaseSource(nameof(Limits))]
    public void Page_names(string limit) => Assert.That(s_page, Does.Match($@"[`.]{limit}`"));

    [TestCaseSource(nameof(Kinds))]
    public void Page_tells_the_metric_of(string limit) => Assert.That(s_page, Does.Contain($"`{limit}`"));

    private static IEnumerable<string> Kinds => ServerMetrics.LimitNames;
}
