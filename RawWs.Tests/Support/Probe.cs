using System.Diagnostics;
using RawWs.Protocol.WebSockets;

namespace RawWs.Tests.Support;

/// <summary>A well-behaved client that looks whether the server still serves while others misbehave.</summary>
internal static class Probe
{
    /// <summary>How soon a server that is attacked answers others.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromMilliseconds(250);

    /// <summary>Connects and has a message echoed, five times; the median counts, so that one hiccup of the machine does not.</summary>
    public static async Task ExpectServiceAsync(TestServer server)
    {
        var times = new List<TimeSpan>();
        for (var i = 0; i < 5; i++)
        {
            var start = Stopwatch.GetTimestamp();
            using var client = await server.OpenAsync();
            await client.SendFrameAsync(Opcode.Text, "probe");
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("probe"));
            times.Add(Stopwatch.GetElapsedTime(start));
        }

        times.Sort();
        Assert.That(times[2], Is.LessThan(Bound));
    }
}
